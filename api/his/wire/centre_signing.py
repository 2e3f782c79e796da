"""The headers with which a message goes on to a centre: its sender's signature, or a new one."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from aggregates.vocabulary import SignatureStyle
from api.his.wire.envelope import RequestHead
from service.adapters.fsi_centre import CentreKey

KEPT = {
    SignatureStyle.X_TIF: "x-tif-",
    SignatureStyle.CSB: "_api_",
    SignatureStyle.X_CA: "x-ca-",
    SignatureStyle.APIKEY: "apikey",
}
"""How the headers of a style begin. A bearer token is this service's own, and never goes on."""
NONCE_BYTES = 16


def kept_headers(style: SignatureStyle | None, headers: Mapping[str, str]) -> dict[str, str]:
    """The sender's own signature as it came; empty where it is in the body, or there is none."""
    prefix = None if style is None else KEPT.get(style)
    if prefix is None:
        return {}
    return {name: value for name, value in headers.items() if name.startswith(prefix)}


def signed_headers(
    key: CentreKey, head: RequestHead, headers: Mapping[str, str], raw: bytes, now: datetime
) -> dict[str, str]:
    """A new signature over the body's bytes, as the centre's style has it."""
    stamp = str(int(now.timestamp()))
    match key.style:
        case SignatureStyle.X_TIF:
            return _x_tif(key, stamp)
        case SignatureStyle.CSB:
            return _csb(key, head, headers, f"{stamp}000")
        case SignatureStyle.X_CA:
            mac = HMAC(key.secret.encode(), hashes.SM3())
            mac.update(f"{stamp}\n".encode() + raw)
            signed = f"{stamp}:{mac.finalize().hex().upper()}"
            return {"x-ca-key": key.paasid or head.institution, "x-ca-signature": signed}
        case SignatureStyle.APIKEY:
            return {"apikey": key.secret}
        case _:
            return {}


def _x_tif(key: CentreKey, stamp: str) -> dict[str, str]:
    nonce = secrets.token_hex(NONCE_BYTES)
    text = f"{stamp}{key.secret}{nonce}{stamp}"
    return {
        "x-tif-paasid": key.paasid,
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": hashlib.sha256(text.encode()).hexdigest(),
    }


def _csb(
    key: CentreKey, head: RequestHead, headers: Mapping[str, str], stamp: str
) -> dict[str, str]:
    """The name and the version of the sender's call, where it sent them."""
    told = {
        "_api_access_key": key.paasid,
        "_api_name": headers.get("_api_name", f"hsa-fsi-{head.infno}"),
        "_api_timestamp": stamp,
        "_api_version": headers.get("_api_version", "1.0.0"),
    }
    text = "&".join(f"{name}={value}" for name, value in told.items())
    digest = hmac.digest(key.secret.encode(), text.encode(), "sha1")
    return told | {"_api_signature": base64.b64encode(digest).decode()}
