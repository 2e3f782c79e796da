"""SM2 in the envelope (GB/T 32918) as Hubei's clients sign: `cainfo` is r and s in hex.

The signed text is the envelope's members without `cainfo` and `input`, sorted by name, as `k=v`
joined with `&`; the user id is always the default one. The library is the optional extra `sm2`:
pure Python, slow, and not constant in time, which does not matter for verifying.
"""

import asyncio
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from api.his.wire.reading import GBK, moment, read_json
from api.http.problems import ProblemError

LIBRARY = "gmalg"
USER_ID = b"1234567812345678"
UNSIGNED = ("cainfo", "input")
STYLE = "SM2"
WORD_SIZE = 32
UNCOMPRESSED = b"\x04"

NO_KEY = {"field": "signature.secret", "code": "FIELD_INVALID"}

Verify = Callable[[bytes, bytes, bytes], bool]
"""Whether r and s sign a message."""


def verifier(key: str, library: str = LIBRARY) -> Verify:
    """A function that verifies with a public key: 64 bytes in hex, or 65 that begin with 04.

    Raises:
        ProblemError: SM2_NOT_INSTALLED; FIELD_INVALID: not a public key.
    """
    try:
        gmalg: Any = import_module(library)
    except ImportError as error:
        raise ProblemError("SM2_NOT_INSTALLED") from error
    try:
        raw = bytes.fromhex(key)
    except ValueError as error:
        raise ProblemError("FIELD_INVALID", errors=[NO_KEY]) from error
    point = UNCOMPRESSED + raw if len(raw) == 2 * WORD_SIZE else raw
    is_whole = len(point) == 1 + 2 * WORD_SIZE and point[:1] == UNCOMPRESSED
    if not is_whole or not gmalg.SM2().verify_pk(point):
        raise ProblemError("FIELD_INVALID", errors=[NO_KEY])
    verify: Verify = gmalg.SM2(uid=USER_ID, pk=point).verify
    return verify


async def check_sm2(key: str, raw: bytes) -> float:
    """Check an envelope's signature; returns the stated `inf_time` in seconds since 1970.

    Raises:
        ProblemError: SIGNATURE_INVALID; SIGNATURE_ALG: `signtype` is not SM2; as `verifier`;
        JSON_INVALID, DATE_INVALID.
    """
    envelope, is_gbk = read_json(raw)
    if not isinstance(envelope, Mapping):
        raise ProblemError("JSON_INVALID")
    if envelope.get("signtype") != STYLE:
        raise ProblemError("SIGNATURE_ALG", field="signtype")
    verify, text = verifier(key), signed_text(envelope)
    try:
        signed = bytes.fromhex(str(envelope.get("cainfo")))
    except ValueError as error:
        raise ProblemError("SIGNATURE_INVALID") from error
    r, s = signed[:WORD_SIZE], signed[WORD_SIZE:]
    if len(s) != WORD_SIZE:
        raise ProblemError("SIGNATURE_INVALID")
    for told in signed_bytes(text, is_gbk=is_gbk):
        if await asyncio.to_thread(verify, told, r, s):
            break
    else:
        raise ProblemError("SIGNATURE_INVALID")
    return moment("inf_time", str(envelope.get("inf_time"))).timestamp()


def signed_bytes(text: str, *, is_gbk: bool) -> tuple[bytes, ...]:
    """The bytes that a client may have signed: a message in GBK is signed in GBK or in UTF-8."""
    utf_8 = text.encode(errors="replace")
    return (text.encode(GBK, errors="replace"), utf_8) if is_gbk else (utf_8,)


def signed_text(envelope: Mapping[str, Any]) -> str:
    """The text that an envelope's signature covers; a null is signed as an empty text.

    Raises:
        ProblemError: SIGNATURE_INVALID: a member is an object, a list or a boolean.
    """
    parts: list[str] = []
    for name, value in sorted(envelope.items()):
        if name in UNSIGNED:
            continue
        if isinstance(value, Mapping | list | bool):
            raise ProblemError("SIGNATURE_INVALID")
        parts.append(f"{name}={'' if value is None else value}")
    return "&".join(parts)
