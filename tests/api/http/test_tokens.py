"""Bearer tokens: who is let in, and who is not."""

import base64
import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import OctKey, OKPKey

from api.http.problems import ProblemError
from api.http.tokens import (
    ISSUER,
    KEPT_S,
    LOOK_AGAIN_S,
    TokenKeysError,
    Tokens,
    days_from_now,
    issue,
    make_issuer,
)
from service.caller import Role
from service.clock import machine_now
from service.ledger.memory_store import MemoryStore
from tests.api.clients import LEDGER_KEYS, Desk, a_person, an_account, an_offer, is_refused

PATH = "/v1/policies/990000"


async def status_with(desk: Desk, authorization: str) -> int:
    answer = await desk.front.get(PATH, headers={"Authorization": authorization})
    if answer.status_code != 200:
        is_refused(answer, 401, "UNAUTHENTICATED")
    return answer.status_code


def claims(**changes: object) -> dict[str, Any]:
    now = int(machine_now().timestamp())
    told = {"iss": ISSUER, "aud": ISSUER, "sub": "a", "role": "agency", "exp": now + 60}
    told |= {"region": "990000"}
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
    store = desk.context.store
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


def at_once(authorization: str, tokens: Tokens, callers: int = 24) -> list[str]:
    """What so many threads that ask in the same moment are told."""
    gate = threading.Barrier(callers)

    def ask() -> str:
        gate.wait()
        try:
            return tokens.caller(authorization).name
        except ProblemError as error:
            return error.code

    with ThreadPoolExecutor(callers) as pool:
        return [future.result() for future in [pool.submit(ask) for _ in range(callers)]]


def test_the_first_requests_of_a_start_are_let_in(tmp_path: Path) -> None:
    """However many threads bring the first tokens, each valid one is valid."""
    path = tmp_path / "issuer.json"
    make_issuer(path)
    bearer = f"Bearer {issue(path, Role.AUDITOR, 'a', None, days_from_now(1))}"
    told = [name for _ in range(10) for name in at_once(bearer, Tokens(path, LEDGER_KEYS))]

    assert {"auditor:a": 240} == Counter(told)


def test_a_rotation_refuses_no_valid_token(tmp_path: Path) -> None:
    """A token of the new key is good as soon as the file is; one whose key stays is good too."""
    keys = [OKPKey.generate_key("Ed25519", {"kid": kid}, private=True) for kid in ("1", "2")]
    first, second = (a_token(key) for key in keys)
    file = tmp_path / "keys.json"
    told: list[str] = []
    for _ in range(5):
        replace_with(file, a_set(keys[:1]))
        tokens = Tokens(file, LEDGER_KEYS)
        assert ["auditor:1"] == at_once(first, tokens, 1)
        replace_with(file, a_set(keys))
        told += at_once(second, tokens) + at_once(first, tokens)

    assert {"auditor:1": 120, "auditor:2": 120} == Counter(told)


class Hand:
    """A clock of seconds that a test moves."""

    now_s = 0.0

    def __call__(self) -> float:
        """The seconds it shows."""
        return self.now_s


def test_a_removed_key_lets_nobody_in(tmp_path: Path) -> None:
    """At the first look after a key left the file its tokens are strangers, remembered or not."""
    keys = [OKPKey.generate_key("Ed25519", {"kid": kid}, private=True) for kid in ("1", "2")]
    file, clock = tmp_path / "keys.json", Hand()
    replace_with(file, a_set(keys))
    tokens = Tokens(file, LEDGER_KEYS, clock)
    first, second = (a_token(key) for key in keys)
    assert ["auditor:1", "auditor:2"] == [at_once(one, tokens, 1)[0] for one in (first, second)]
    replace_with(file, a_set(keys[1:]))
    clock.now_s += LOOK_AGAIN_S

    assert ["UNAUTHENTICATED"] == at_once(first, tokens, 1)
    assert ["auditor:2"] == at_once(second, tokens, 1)


BROKEN = {
    "cut": b'{"keys": [{"kty": "OKP", "cr',
    "emptied": b"",
    "a list": b"[]",
    "a word": b'"keys"',
    "keys that are none": b'{"keys": [1]}',
    "keys of no list": b'{"keys": 7}',
    "no key in a set": b'{"keys": []}',
    "an empty object": b"{}",
    "another kind": b'{"keys": [{"kty": "oct", "k": "AAAA"}]}',
    "no text": b"\xff\xfe",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_of_keys_is_told_and_outlived(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The last good keys hold for five minutes, told once; then nobody comes in."""
    key = OKPKey.generate_key("Ed25519", {"kid": "1"}, private=True)
    file, clock = tmp_path / "keys.json", Hand()
    replace_with(file, a_set([key]))
    tokens = Tokens(file, LEDGER_KEYS, clock)
    old, new = a_token(key), a_token(key, "new")
    assert ["auditor:1"] == at_once(old, tokens, 1)
    good = file.read_bytes()

    file.write_bytes(content)
    for _ in range(3):
        clock.now_s += LOOK_AGAIN_S
        assert ["auditor:1", "auditor:new"] == at_once(old, tokens, 1) + at_once(new, tokens, 1)
    assert ["UNAUTHENTICATED"] == at_once("Bearer a.b.c", tokens, 1)
    assert 2 * LOOK_AGAIN_S == tokens.failing_s
    assert ["TOKEN_KEYS_UNREADABLE"] == [reason.code for reason in tokens.reasons()]
    assert 1 == len(caplog.records)
    assert str(file) in caplog.text

    clock.now_s += KEPT_S
    assert ["TOKEN_KEYS_UNREADABLE"] == at_once(old, tokens, 1)
    file.write_bytes(good)
    clock.now_s += LOOK_AGAIN_S
    assert ["auditor:1"] == at_once(old, tokens, 1)
    assert (0, []) == (tokens.failing_s, tokens.reasons())


@pytest.mark.parametrize("content", [None, *BROKEN.values()], ids=["missing", *BROKEN])
def test_no_start_without_keys(tmp_path: Path, content: bytes | None) -> None:
    """A service that could let nobody in does not begin."""
    file = tmp_path / "keys.json"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(TokenKeysError, match="cannot be read"):
        Tokens(file, LEDGER_KEYS)


REGIONLESS: tuple[dict[str, object], ...] = (
    {"region": None},
    {"region": ""},
    {"region": "* "},
    {"region": "990000 "},
    {"region": 990000},
    {"region": ["*"]},
    {"region": "九九零零零零"},
)


@pytest.mark.parametrize("changes", REGIONLESS, ids=repr)
async def test_an_agency_says_its_region(desk: Desk, changes: dict[str, object]) -> None:
    """A token that forgot its region is not the nation's; that one says so."""
    sent = {"Authorization": signed(desk, **changes)}
    is_refused(await desk.front.get(PATH, headers=sent), 403, "TOKEN_REGION_MISSING")

    assert 200 == await status_with(desk, signed(desk, region="*"))
    assert 200 == await status_with(desk, signed(desk, region=None, role="auditor"))


def a_token(key: OKPKey, subject: str | None = None) -> str:
    """An auditor's token signed by a key; without a subject he is named by the key's id."""
    told = claims(role="auditor", sub=subject or key.kid)
    return "Bearer " + jwt.encode(
        {"alg": "Ed25519", "kid": key.kid}, told, key, algorithms=["Ed25519"]
    )


def a_set(keys: list[OKPKey]) -> object:
    """The public halves as a JWK set."""
    return {"keys": [key.as_dict(private=False) for key in keys]}


def replace_with(path: Path, keys: object) -> None:
    """Put a file in another's place in one step, as a careful operator does."""
    made = path.with_suffix(".new")
    made.write_text(json.dumps(keys))
    made.replace(path)


def _key(path: Path) -> OKPKey:
    return OKPKey.import_key(json.loads(path.read_text()))
