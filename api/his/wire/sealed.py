"""Messages in an envelope of SM4 and SM2, as clients of the national mobile payment send them.

`{"appId", "version", "encType": "SM4", "signType": "SM2", "timestamp", "encData", "signData"}`,
and in the clear `fixmedins_code`. `encData` is the message, or its input alone beside the members
of its head, in hex: SM4 in ECB under a key made of the appId and the secret. `signData` is SM2 in
Base64 over the members without `signData`, `encData` and `extra`, with the message as `data`,
sorted by name as `k=v` joined with `&`, and `key=` with the secret at the end. The answer comes in
the same envelope, with its `infcode` in the clear too, because clients read a missing one as 0.

The secret in the setting is `<appSecret>:<the institution's public key>`. The service signs with a
key of its own, which it makes from the ledger's keys. SM2 is the optional extra `sm2`.
"""

import asyncio
import base64
import json
from collections.abc import Mapping
from importlib import import_module
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB
from cryptography.hazmat.primitives.padding import PKCS7

from api.his.wire.reading import GBK, read_json
from api.his.wire.sm2 import LIBRARY, USER_ID, WORD_SIZE, signed_bytes, verifier
from api.http.problems import ProblemError
from service.his.institution_terms import Terms
from service.vault import Vault

KEY_SIZE = 16
BLOCK_BITS = 128
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
"""The order of SM2's group."""
UNSIGNED = ("signData", "encData", "extra", "data")
APP = ("appId", "appCode")

Envelope = Mapping[str, Any]


class SealingKeys(NamedTuple):
    """What an institution and the service share: name, secret, and the institution's SM2 key."""

    app_id: str
    secret: str
    public: str


def keys_of(terms: Terms) -> SealingKeys:
    """The keys of an institution that seals."""
    secret, _, public = terms.secret.rpartition(":")
    return SealingKeys(terms.paasid, secret, public)


def is_sound(keys: SealingKeys) -> bool:
    """Whether a name and a secret make a key.

    Raises:
        ProblemError: as `verifier`.
    """
    verifier(keys.public)
    return len(keys.app_id) >= KEY_SIZE and keys.app_id.isascii() and bool(keys.secret)


def read_sealed(raw: bytes) -> Envelope | None:
    """The envelope of a body; None if it is an ordinary message.

    Raises:
        ProblemError: as `read_json`.
    """
    if b"encData" not in raw:
        return None
    body, _ = read_json(raw)
    is_sealed = isinstance(body, Mapping) and isinstance(body.get("encData"), str)
    return body if is_sealed and "signData" in body else None


def sender_of(envelope: Envelope) -> str:
    """The institution that an envelope names.

    Raises:
        ProblemError: FIELD_REQUIRED.
    """
    code = envelope.get("fixmedins_code")
    if not isinstance(code, str) or not code.strip():
        raise ProblemError("FIELD_REQUIRED", field="fixmedins_code")
    return code.strip()


async def check_sealed(keys: SealingKeys, envelope: Envelope) -> str:
    """Check an envelope's signature; returns its `timestamp`, which it covers.

    Raises:
        ProblemError: SIGNATURE_INVALID; SIGNATURE_ALG; as `verifier`.
    """
    if (envelope.get("encType"), envelope.get("signType")) != ("SM4", "SM2"):
        raise ProblemError("SIGNATURE_ALG", field="signType")
    if keys.app_id not in [envelope.get(name) for name in APP]:
        raise ProblemError("SIGNATURE_INVALID")
    verify, (text, is_gbk) = verifier(keys.public), _opened(keys, envelope)
    try:
        signed = base64.b64decode(str(envelope["signData"]), validate=True)
    except ValueError as error:
        raise ProblemError("SIGNATURE_INVALID") from error
    r, s = signed[:WORD_SIZE], signed[WORD_SIZE:]
    if len(s) != WORD_SIZE:
        raise ProblemError("SIGNATURE_INVALID")
    for written in dict.fromkeys((text, _sorted(text))):
        for told in signed_bytes(signed_text(envelope, written, keys.secret), is_gbk=is_gbk):
            if await asyncio.to_thread(verify, told, r, s):
                return str(envelope.get("timestamp"))
    raise ProblemError("SIGNATURE_INVALID")


def message_of(keys: SealingKeys, envelope: Envelope) -> bytes:
    """The message of a checked envelope, whole and in GBK if it was encrypted in GBK.

    Its input may be all that was encrypted.

    Raises:
        ProblemError: SIGNATURE_INVALID, JSON_INVALID.
    """
    text, is_gbk = _opened(keys, envelope)
    code = GBK if is_gbk else "utf-8"
    told, _ = read_json(text.encode(code))
    if isinstance(told, Mapping) and "infno" in told:
        return text.encode(code)
    head = {name: value for name, value in envelope.items() if name not in (*UNSIGNED, *APP)}
    return json.dumps(head | {"input": text}, ensure_ascii=False, default=str).encode(code)


def signed_text(envelope: Envelope, data: str, secret: str) -> str:
    """The text that a signature covers; nulls are left out.

    Raises:
        ProblemError: SIGNATURE_INVALID: a member is an object, a list or a boolean.
    """
    members = {n: v for n, v in envelope.items() if n not in UNSIGNED and v is not None}
    if any(isinstance(value, Mapping | list | bool) for value in members.values()):
        raise ProblemError("SIGNATURE_INVALID")
    parts = [f"{name}={value}" for name, value in sorted({**members, "data": data}.items())]
    return "&".join([*parts, f"key={secret}"])


async def seal_answer(
    keys: SealingKeys, vault: Vault, envelope: Envelope, answer: bytes, now_s: float
) -> bytes:
    """An answer in an envelope like its message's, signed by the service."""
    text = answer.decode()
    names = (*APP, "version", "encType", "signType", "fixmedins_code")
    told = {name: envelope[name] for name in names if name in envelope}
    told |= {"timestamp": str(int(now_s)), "infcode": json.loads(text)["infcode"]}
    signed = signed_text(told, text, keys.secret).encode()
    r, s = await asyncio.to_thread(_signer(vault).sign, signed)
    made = base64.b64encode(r.rjust(WORD_SIZE, b"\0") + s.rjust(WORD_SIZE, b"\0")).decode()
    sealed = {"encData": encrypted(keys, text.encode()), "signData": made}
    return json.dumps(told | sealed, ensure_ascii=False).encode()


def answer_key(vault: Vault) -> str:
    """The service's public key in hex, with which clients verify answers.

    Raises:
        ProblemError: SM2_NOT_INSTALLED.
    """
    core = _library().SM2()
    public: bytes = core.generate_pk(_private(vault))
    return public.hex()


def encrypted(keys: SealingKeys, plain: bytes) -> str:
    """SM4 under the key of both sides, in hex."""
    return _encrypt(_key(keys), plain).hex().upper()


def _signer(vault: Vault) -> Any:  # noqa: ANN401 -- of the library
    return _library().SM2(sk=_private(vault), uid=USER_ID, pk=bytes.fromhex(answer_key(vault)))


def _library() -> Any:  # noqa: ANN401 -- of the library
    try:
        return import_module(LIBRARY)
    except ImportError as error:
        raise ProblemError("SM2_NOT_INSTALLED") from error


def _private(vault: Vault) -> bytes:
    number = int.from_bytes(vault.sign(b"fsi sm2 answers")) % (ORDER - 2) + 1
    return number.to_bytes(WORD_SIZE)


def opened_text(keys: SealingKeys, envelope: Envelope) -> str:
    """The text in an envelope, decrypted and not checked.

    Raises:
        ProblemError: SIGNATURE_INVALID.
    """
    return _opened(keys, envelope)[0]


def _opened(keys: SealingKeys, envelope: Envelope) -> tuple[str, bool]:
    """The text in an envelope, and whether it is in GBK."""
    try:
        ciphered = bytes.fromhex(str(envelope["encData"]))
        decryptor = Cipher(SM4(_key(keys)), ECB()).decryptor()  # noqa: S305 -- as clients do
        unpadder = PKCS7(BLOCK_BITS).unpadder()
        padded = decryptor.update(ciphered) + decryptor.finalize()
        plain = unpadder.update(padded) + unpadder.finalize()
        try:
            return plain.decode(), False
        except UnicodeDecodeError:
            return plain.decode(GBK), True
    except ValueError as error:
        raise ProblemError("SIGNATURE_INVALID") from error


def _key(keys: SealingKeys) -> bytes:
    first = keys.app_id.encode()[:KEY_SIZE]
    return _encrypt(first, keys.secret.encode()).hex().upper()[:KEY_SIZE].encode()


def _encrypt(key: bytes, plain: bytes) -> bytes:
    padder = PKCS7(BLOCK_BITS).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(SM4(key), ECB()).encryptor()  # noqa: S305 -- as clients do
    return encryptor.update(padded) + encryptor.finalize()


def _sorted(text: str) -> str:
    """The text as clients write it that sort the message before they sign it."""
    try:
        told = json.loads(text)
    except ValueError:
        return text
    if not isinstance(told, dict):
        return text
    return json.dumps(dict(sorted(told.items())), ensure_ascii=False, separators=(",", ":"))
