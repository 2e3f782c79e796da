"""The verifier as a file on its own: copied away, run by a bare interpreter, its Ed25519 sound."""

import base64
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from api.verify import gongji_verify
from api.verify.gongji_verify import L, ed25519_holds
from tests.api.clients import Desk, a_family, a_settlement
from tests.exports import KEY, export_of, leaves_of, signed_over

FILE = Path(gongji_verify.__file__)
RFC_8032 = (
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f76098"
            "4dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
)


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(public: str, message: str, signature: str) -> None:
    """The published signatures hold, and with one bit turned they do not."""
    key, said, signed = (bytes.fromhex(each) for each in (public, message, signature))

    assert ed25519_holds(key, said, signed)
    for at in (0, 31, 32, 63):
        turned = bytes(byte ^ (1 if n == at else 0) for n, byte in enumerate(signed))
        assert not ed25519_holds(key, said, turned)
    assert not ed25519_holds(key, said + b"\0", signed)


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_it_agrees_with_another_implementation(seed: bytes, message: bytes) -> None:
    """What cryptography signs holds here; with S beyond the group's order it does not."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signed = private.public_key().public_bytes_raw(), private.sign(message)
    beyond = (int.from_bytes(signed[32:], "little") + L).to_bytes(32, "little")

    assert ed25519_holds(public, message, signed)
    assert not ed25519_holds(public, message, signed[:32] + beyond)
    assert not ed25519_holds(public, message + b".", signed)
    assert not ed25519_holds(bytes(32), message, signed)


def run_alone(place: Path, *arguments: str, status: int = 0) -> str:
    """Run a copy by an interpreter that sees neither our code nor installed packages."""
    copy = place / "check.py"
    shutil.copy(FILE, copy)
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(copy), *arguments],
        cwd=place,
        env={},
        capture_output=True,
        text=True,
        check=False,
    )
    assert status == done.returncode, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.parametrize("has_text", [True, False])
@pytest.mark.parametrize("coded", [b"\xff\xfe", None, "no base64", "//4=\n", "//4"])
def test_a_row_says_its_state_once(coded: object, *, has_text: bool) -> None:
    """As text or in base64, as the header says: both, none, or what is no base64 is no row."""
    row = {"position": 1, "stream": "00" * 16, "version": 1, "topic": "t", "recorded_at": 0}
    told: dict[str, object] = row | {"leaf": "AA=="} | ({"state": "{}"} if has_text else {})
    if coded is not None:
        is_code = isinstance(coded, bytes)
        told["state_base64"] = base64.b64encode(coded).decode() if is_code else coded  # type: ignore[arg-type]
    if has_text == (coded is None) and (has_text or isinstance(coded, bytes)):
        state = gongji_verify.read_row(json.dumps(told)).state
        assert state == (b"{}" if has_text else coded)
    else:
        with pytest.raises((ValueError, KeyError, TypeError)):
            gongji_verify.read_row(json.dumps(told))


async def test_a_copy_of_the_file_is_enough(desk: Desk, tmp_path: Path) -> None:
    """It tells every check; a fault with what and where; and what cannot be checked at all."""
    await a_family(desk)
    await a_settlement(desk)
    leaves = leaves_of(desk.context.store)
    export, key = tmp_path / "export.ndjson", tmp_path / "key"
    export.write_text("".join(export_of(leaves)), encoding="utf-8")
    key.write_text(f"{KEY}\n")
    outside = tmp_path / "outside.txt"
    outside.write_text(signed_over(leaves).note, encoding="utf-8")
    receipt = tmp_path / "receipt.json"
    proof = f"c2sp.org/tlog-proof@v1\nindex 0\n\n{signed_over(leaves).note}"
    receipt.write_text(json.dumps({"proof": proof}))

    for kept in (outside, receipt):
        said = run_alone(tmp_path, str(export), "--key", KEY, "--checkpoint", str(kept))
        assert said.endswith("everything that was checked holds\n")
        ok = [line for line in said.splitlines() if line.startswith("ok ")]
        assert len(gongji_verify.CHECKS) == len(ok)
    assert "outside: not checked" in run_alone(tmp_path, str(export), "--key", str(key))
    told_of_faults(tmp_path, export)


def told_of_faults(place: Path, export: Path) -> None:
    """What is wrong is told with where; what cannot be checked ends with 2."""
    text = export.read_text("utf-8")
    export.write_text(text.replace('\\"amount_fen\\":2000', '\\"amount_fen\\":2001'), "utf-8")
    told = run_alone(place, str(export), "--key", KEY, status=1)
    assert "FAULT tree" in told
    assert "position" in told
    assert told.endswith("FAULTS FOUND\n")
    export.write_text(text.replace("gongji-export/1", "gongji-export/2"), "utf-8")
    assert "not known here" in run_alone(place, str(export), "--key", KEY, status=2)
    for wrong in ("x", "gongji/x+00000000+AAAA", KEY.replace("+", "x", 1)):
        assert "not a key" in run_alone(place, str(export), "--key", wrong, status=2)
    export.write_text("", "utf-8")
    assert "header" in run_alone(place, str(export), "--key", KEY, status=2)
    assert "gongji verify" in run_alone(place, "nowhere", "--key", KEY, status=2)
