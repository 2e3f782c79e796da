"""How clients sign: what each style puts into headers, into a message, or around it."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import gmalg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from aggregates.vocabulary import SignatureStyle
from api.his.wire.sealed import SealingKeys, encrypted
from api.his.wire.sealed import signed_text as sealed_text
from api.his.wire.sm2 import USER_ID
from api.his.wire.sm2 import signed_text as sm2_text
from service.clock import machine_now
from tests.api.clients import HOSPITAL

SECRET = "s3cret"
SM2_SECRET = bytes.fromhex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
SM2_PUBLIC = (
    "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
"""The key pair of the standard's own example (GB/T 32918.5 A.2)."""
SEALING = SealingKeys(
    "T98HPCGN5ZVVQBS8LZQNOAEXVI9GYHKQ", "NMVFVILMKT13GEMD3BKPKCTBOQBPZR2P", SM2_PUBLIC
)
SEALS = {"style": "sm4", "paasid": SEALING.app_id, "secret": f"{SEALING.secret}:{SM2_PUBLIC}"}


Sign = Callable[[bytes, float], dict[str, str]]


def x_tif(_: bytes, now_s: float, nonce: str = "n1", secret: str = SECRET) -> dict[str, str]:
    """SHA-256 over time, secret, nonce, time."""
    stamp = str(int(now_s))
    made = hashlib.sha256(f"{stamp}{secret}{nonce}{stamp}".encode()).hexdigest()
    return {
        "x-tif-paasid": "paas",
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": made,
    }


def csb(_: bytes, now_s: float, secret: str = SECRET) -> dict[str, str]:
    """HMAC-SHA1 over the members in order."""
    told = {
        "_api_access_key": "paas",
        "_api_name": "hsa-fsi-1101",
        "_api_timestamp": str(int(now_s * 1000)),
        "_api_version": "1.0.0",
    }
    text = "&".join(f"{name}={value}" for name, value in told.items())
    digest = hmac.digest(secret.encode(), text.encode(), "sha1")
    return told | {"_api_signature": base64.b64encode(digest).decode()}


def x_ca(raw: bytes, now_s: float, secret: str = SECRET) -> dict[str, str]:
    """HMAC-SM3 over the time and the body's bytes."""
    stamp = str(int(now_s))
    mac = HMAC(secret.encode(), hashes.SM3())
    mac.update(f"{stamp}\n".encode() + raw)
    made = f"{stamp}:{mac.finalize().hex().upper()}"
    return {"x-ca-key": HOSPITAL.subject, "x-ca-signature": made}


STYLES: dict[SignatureStyle, Sign] = {
    SignatureStyle.X_TIF: x_tif,
    SignatureStyle.CSB: csb,
    SignatureStyle.X_CA: x_ca,
}


def sm2_signed(
    envelope: dict[str, Any], uid: bytes = USER_ID, key: bytes = SM2_SECRET, encoding: str = "utf-8"
) -> bytes:
    """The envelope with its signature, in capitals as clients write it."""
    core = gmalg.SM2()._core  # noqa: SLF001 -- in front of it an empty user id is refused
    r, s = core.sign(sm2_text(envelope).encode(encoding), int.from_bytes(key), uid)
    made = {"cainfo": f"{r:064X}{s:064X}"}
    return json.dumps(envelope | made, ensure_ascii=False).encode()


def sealed(
    text: str,
    minutes: int = 0,
    signed: str | None = None,
    encoding: str = "utf-8",
    **more: Any,  # noqa: ANN401 -- JSON
) -> dict[str, Any]:
    """An envelope of a text, signed over another one where one is given."""
    envelope: dict[str, Any] = {
        "appId": SEALING.app_id,
        "version": "1.0.0",
        "encType": "SM4",
        "signType": "SM2",
        "timestamp": int(machine_now().timestamp()) + 60 * minutes,
        "fixmedins_code": HOSPITAL.subject,
    } | more
    told = sealed_text(envelope, signed or text, SEALING.secret).encode(encoding)
    r, s = gmalg.SM2(sk=SM2_SECRET, uid=USER_ID, pk=bytes.fromhex(SM2_PUBLIC)).sign(told)
    made = base64.b64encode(r.rjust(32, b"\0") + s.rjust(32, b"\0")).decode()
    return envelope | {"encData": encrypted(SEALING, text.encode(encoding)), "signData": made}
