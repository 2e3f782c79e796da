"""A door that speaks TLS in front of a PostgreSQL that speaks in the clear on a Unix socket."""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SSL_REQUEST = bytes.fromhex("0000000804d2162f")


def a_certificate(place: Path) -> str:
    """A certificate for 127.0.0.1 that vouches for itself; its key goes into a file beside."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gongji-database-rw")])
    now = datetime(2026, 1, 1, tzinfo=UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now.replace(year=2099))
    made = builder.add_extension(host, critical=False).sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    certificate = made.public_bytes(serialization.Encoding.PEM)
    (place / "both.pem").write_bytes(private + certificate)
    return certificate.decode()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while read := await reader.read(65536):
            writer.write(read)
            await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def an_api(server: Path, keys: Path) -> AsyncIterator[str]:
    """A TCP port in front of the server that speaks TLS and nothing else; its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(keys)
    carried: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried.add(asyncio.current_task())
        try:
            assert SSL_REQUEST == await reader.readexactly(8), "it speaks in the clear"
            writer.write(b"S")
            await writer.start_tls(context)
            up_reader, up_writer = await asyncio.open_unix_connection(server)
            await asyncio.gather(_pipe(reader, up_writer), _pipe(up_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # a caller who went away, or who does not trust us
        finally:
            writer.close()

    api = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{api.sockets[0].getsockname()[1]}"
    finally:
        api.close()
        await asyncio.gather(*filter(None, carried), return_exceptions=True)
