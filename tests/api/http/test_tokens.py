"""Bearer tokens: who is let in, and who is not."""

import base64
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from api.http.tokens import ISSUER, issue, make_issuer
from service.caller import Role
from service.clock import machine_now
from service.ledger.memory_store import MemoryStore
from tests.api.clients import Desk, a_person, an_account, an_offer, is_refused

PATH = "/v1/policies/990000"


async def status_with(desk: Desk, authorization: str) -> int:
    answer = await desk.front.get(PATH, headers={"Authorization": authorization})
    if answer.status_code != 200:
        is_refused(answer, 401, "UNAUTHENTICATED")
    return answer.status_code


def claims(**changes: object) -> dict[str, Any]:
    now = int(machine_now().timestamp())
    told = {"iss": ISSUER, "aud": ISSUER, "sub": "a", "role": "agency", "exp": now + 60}
    return {name: value for name, value in (told | changes).items() if value is not None}


def signed(desk: Desk, **changes: object) -> str:
    key = OKPKey.import_key(json.loads(desk.issuer.read_text()))
    return "Bearer " + jwt.encode(
        {"alg": "Ed25519"}, claims(**changes), key, algorithms=["Ed25519"]
    )


async def test_a_token_of_the_issuer_comes_in(desk: Desk) -> None:
    """What the development issuer signed is taken, in any spelling of Bearer, again and again."""
    for _ in range(2):
        assert 200 == await status_with(desk, signed(desk))
    assert 200 == await status_with(desk, signed(desk).replace("Bearer", "bearer"))


BAD: dict[str, dict[str, object]] = {
    "another issuer": {"iss": "somebody"},
    "another audience": {"aud": "somewhere"},
    "ended": {"exp": 1_000_000_000},
    "without an end": {"exp": None},
    "without a subject": {"sub": None},
    "without a role": {"role": None},
    "of a role nobody has": {"role": "root"},
    "not begun": {"nbf": 32_503_680_000},
}


@pytest.mark.parametrize("changes", BAD.values(), ids=BAD)
async def test_a_token_that_says_the_wrong_thing_stays_out(
    desk: Desk, changes: dict[str, object]
) -> None:
    """Signed is not enough: issuer, audience, times, subject and role must be ours."""
    assert 401 == await status_with(desk, signed(desk, **changes))


async def test_no_other_signature_is_taken(desk: Desk) -> None:
    """A foreign key, no algorithm, a public key as a shared secret, a changed letter (B32)."""
    foreign = OKPKey.generate_key("Ed25519")
    forged = jwt.encode({"alg": "Ed25519"}, claims(), foreign, algorithms=["Ed25519"])
    body = base64.urlsafe_b64encode(json.dumps(claims()).encode()).rstrip(b"=").decode()
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    public = OKPKey.import_key(json.loads(desk.issuer.read_text())).as_dict(private=False)["x"]
    secret = jwt.encode({"alg": "HS256"}, claims(), OctKey.import_key(str(public)))
    good = signed(desk)
    changed = good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]

    for header in (f"Bearer {forged}", f"Bearer {none}.{body}.", f"Bearer {secret}", changed):
        assert 401 == await status_with(desk, header)
    for header in ("", "Bearer", "Bearer ", "Basic YTpi", good[7:], "Bearer a.b.c"):
        assert 401 == await status_with(desk, header)


async def test_a_remembered_token_ends_in_time(desk: Desk) -> None:
    """A token that was taken a moment ago is refused once its second has passed."""
    soon = issue(desk.issuer, Role.AUDITOR, "a", None, machine_now() + timedelta(seconds=1.2))
    first = await status_with(desk, f"Bearer {soon}")
    ends_at = float(jwt.decode(soon, _key(desk.issuer), algorithms=["Ed25519"]).claims["exp"])
    while machine_now().timestamp() < ends_at:
        await desk.front.get("/livez")

    assert {200, 401} >= {first}
    assert 401 == await status_with(desk, f"Bearer {soon}")


async def test_a_change_of_keys_forgets_everybody(desk: Desk, tmp_path: Path) -> None:
    """After the key file changed the old tokens are strangers and the new ones come in."""
    old = signed(desk)
    assert 200 == await status_with(desk, old)
    other = tmp_path / "other.json"
    make_issuer(other)
    other.replace(desk.issuer)
    deadline = machine_now() + timedelta(seconds=10)
    while await status_with(desk, old) == 200:
        assert machine_now() < deadline

    assert 200 == await status_with(desk, signed(desk))


async def test_a_person_is_named_without_his_number(desk: Desk) -> None:
    """What a person does is recorded under a keyed digest, never under his number."""
    number = "PERSON-NUMBER-1"
    await an_account(desk, number)
    await an_account(desk, "P2")
    offer = an_offer("P2", "child")
    assert 201 == (await desk.post(a_person(number), "/v1/bindings", offer)).status_code
    store = desk.house.store
    assert isinstance(store, MemoryStore)

    assert store.log[-1].act.actor.startswith("person:")
    assert number not in repr((store.log, store.keys, store.names, store.heads))


def test_the_issuers_key_is_its_owners_alone(tmp_path: Path) -> None:
    """The key file is made once, unreadable by others."""
    path = tmp_path / "deep" / "issuer.json"
    make_issuer(path)
    made = path.read_bytes()
    make_issuer(path)

    assert made == path.read_bytes()
    assert 0o600 == path.stat().st_mode & 0o777


def _key(path: Path) -> OKPKey:
    return OKPKey.import_key(json.loads(path.read_text()))
