"""Bearer tokens of any OpenID Connect provider: its keys, its terms, and nothing that it only says.

The provider is a transport that answers as its address of keys would.
"""

import asyncio
import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, Key, KeySet, OctKey, OKPKey, RSAKey

from api.http.issuers.key_sets import fetch
from api.http.issuers.terms import IssuersFileError, IssuerTerms, issuers_of
from api.http.problems import ProblemError
from api.http.tokens import KEPT_S, Tokens, days_from_now, issue, make_issuer
from service.caller import Role
from service.clock import machine_now, monotonic_s
from tests.api.clients import LEDGER_KEYS

ISSUER, URL = "https://id.example", "https://id.example/keys"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec"}, private=True)
TERMS = IssuerTerms(
    issuer=ISSUER,
    audience="settling",
    algorithms=("RS256", "ES256"),
    keys_url=URL,
    claims={"subject": "person_no", "role": "realm_access.roles", "region": "area"},
    roles={"clerk": "agency", "insured": "person", "reader": "auditor"},
)


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        """The seconds."""
        return self.now_s


def public(*keys: Key) -> str:
    return json.dumps(KeySet(list(keys)).as_dict(private=False))


def claims_of(**changes: object) -> dict[str, Any]:
    now = int(machine_now().timestamp())
    told: dict[str, object] = {
        "iss": ISSUER,
        "aud": ["account", "settling"],
        "sub": "f3b1",
        "person_no": "P1",
        "iat": now,
        "exp": now + 60,
        "realm_access": {"roles": ["offline", "insured"]},
    }
    return {name: value for name, value in (told | changes).items() if value is not None}


def bearer(key: Key = RSA, alg: str = "RS256", **changes: object) -> str:
    header = {"alg": alg, "kid": key.kid}
    return "Bearer " + jwt.encode(header, claims_of(**changes), key, algorithms=[alg])


def a_provider(answer: Callable[[], httpx.Response]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.MockTransport(lambda _: answer()))


def verifying(data: Path, clock: Callable[[], float] = monotonic_s) -> Tokens:
    """Tokens of the development issuer, and of the provider."""
    make_issuer(data / "issuer.json")
    tokens = Tokens(data / "issuer.json", LEDGER_KEYS, clock)
    tokens.also_of([TERMS], data)
    return tokens


def with_keys(data: Path, *keys: Key) -> Tokens:
    path = TERMS.keys_path(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(public(*keys))
    return verifying(data)


def code_of(tokens: Tokens, authorization: str) -> str:
    with pytest.raises(ProblemError) as refused:
        tokens.caller(authorization)
    return refused.value.code


@pytest.mark.parametrize(
    ("role", "changes", "name"),
    [
        (Role.PERSON, {}, None),
        (
            Role.AGENCY,
            {"person_no": "clerk 7", "area": "420100", "realm_access": {"roles": ["clerk"]}},
            "agency:clerk 7",
        ),
        (
            Role.AUDITOR,
            {"person_no": "A", "realm_access": {"roles": ["reader"]}},
            "auditor:A",
        ),
        (Role.PERSON, {"exp": int(machine_now().timestamp()) + 3600, "aud": "settling"}, None),
    ],
)
@pytest.mark.parametrize(("key", "alg"), [(RSA, "RS256"), (EC, "ES256")])
def test_its_claims_say_who_somebody_is(
    tmp_path: Path, role: Role, changes: dict[str, object], name: str | None, key: Key, alg: str
) -> None:
    """The claims that its terms name give the role, the subject and the region."""
    tokens = with_keys(tmp_path, RSA, EC)

    caller = tokens.caller(bearer(key, alg, **changes))

    assert (role, name or caller.name) == (caller.role, caller.name)
    assert caller == tokens.caller(bearer(key, alg, **changes))
    if role is Role.AGENCY:
        assert "420100" == caller.region


STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
NOW = int(machine_now().timestamp())


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another"},
        {"aud": None},
        {"exp": NOW - 31},
        {"exp": None},
        {"exp": "soon"},
        {"nbf": NOW + 600},
        {"iat": NOW + 600},
        {"person_no": None},
        {"person_no": ""},
        {"person_no": ["P1"]},
        {"person_no": "P" * 101},
        {"realm_access": None},
        {"realm_access": {"roles": ["nobody"]}},
        {"realm_access": {"roles": ["clerk", "insured"]}},
        {"realm_access": "insured"},
        {"iss": "https://id.example/"},
        {"iss": "gongji"},
        {"iss": None},
        {"iss": [ISSUER]},
    ],
    ids=str,
)
def test_what_does_not_keep_its_terms_stays_out(tmp_path: Path, changes: dict[str, object]) -> None:
    """A wrong audience, time, subject, role or issuer is no sign-in."""
    assert "UNAUTHENTICATED" == code_of(with_keys(tmp_path, RSA), bearer(RSA, "RS256", **changes))


def test_an_agency_of_a_provider_says_its_region(tmp_path: Path) -> None:
    """As for our own tokens."""
    clerk = bearer(realm_access={"roles": ["clerk"]})

    assert "TOKEN_REGION_MISSING" == code_of(with_keys(tmp_path, RSA), clerk)


def test_no_other_key_or_algorithm_is_taken(tmp_path: Path) -> None:
    """Not a stranger's key, a shared secret, an algorithm beside the terms, or none."""
    tokens = with_keys(tmp_path, RSA, EC)
    secret = OctKey.import_key(public(RSA).encode(), {"kid": "rsa"})
    forged = [
        bearer(STRANGER),
        bearer(secret, "HS256"),
        bearer(RSA, "RS512"),
        bearer()[:-4] + "AAAA",
    ]
    head, body, _ = bearer().split(".")
    none = "Bearer eyJhbGciOiJub25lIiwia2lkIjoicnNhIn0." + body + "."

    assert {"UNAUTHENTICATED"} == {code_of(tokens, one) for one in [*forged, none]}
    assert head.startswith("Bearer ")


@pytest.mark.parametrize("part", [0, 1])
def test_a_deeply_nested_token_is_no_sign_in(tmp_path: Path, part: int) -> None:
    """Nobody has signed it yet when its issuer is looked at."""
    parts = bearer().removeprefix("Bearer ").split(".")
    parts[part] = urlsafe_b64encode(b"[" * 20_000).decode().rstrip("=")

    assert "UNAUTHENTICATED" == code_of(with_keys(tmp_path, RSA), "Bearer " + ".".join(parts))


def test_each_issuer_signs_for_itself_alone(tmp_path: Path) -> None:
    """A provider's key makes no token of the development issuer, and the other way round."""
    tokens = with_keys(tmp_path, RSA)
    path = tmp_path / "issuer.json"
    own = OKPKey.import_key(json.loads(path.read_text()))
    ours = "Bearer " + issue(path, Role.AUDITOR, "A", None, days_from_now(1))
    as_theirs = "Bearer " + jwt.encode({"alg": "Ed25519"}, claims_of(), own, ["Ed25519"])

    assert Role.AUDITOR is tokens.caller(ours).role
    assert "UNAUTHENTICATED" == code_of(tokens, as_theirs)
    assert "UNAUTHENTICATED" == code_of(tokens, bearer(iss="gongji", aud="gongji", role="auditor"))


async def test_keys_are_rotated_while_it_runs(tmp_path: Path) -> None:
    """A new key comes in at the next fetch, a withdrawn one goes out, and nothing is restarted."""
    clock, served = Clock(), [public(RSA)]
    async with a_provider(lambda: httpx.Response(200, text=served[-1])) as client:
        assert await fetch(client, TERMS, tmp_path)
        tokens = verifying(tmp_path, clock)
        assert Role.PERSON is tokens.caller(bearer()).role
        served.append(public(EC))
        assert await fetch(client, TERMS, tmp_path)
        clock.now_s += 2

        assert Role.PERSON is tokens.caller(bearer(EC, "ES256")).role
        assert "UNAUTHENTICATED" == code_of(tokens, bearer())


WEAK = json.dumps({"keys": [{"kty": "RSA", "kid": "weak", "e": "AQAB", "n": "v" * 171}]})


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(503, text=public(EC)),
        httpx.Response(302, headers={"Location": "https://evil.example/keys"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, text="[]"),
        httpx.Response(200, text='{"keys":[]}'),
        httpx.Response(200, text='{"keys":[{"kty":"oct","k":"AAAA"}]}'),
        httpx.Response(200, text='{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}'),
        httpx.Response(200, text=WEAK),
        httpx.Response(200, text="[" * 100_000),
        httpx.Response(200, text=public(EC) + " " * 300_000),
    ],
    ids=["503", "redirect", "html", "list", "no key", "secret", "broken", "weak", "deep", "long"],
)
async def test_a_bad_answer_changes_nothing(tmp_path: Path, answer: httpx.Response) -> None:
    """The last good keys stay, also over a restart."""
    tokens = with_keys(tmp_path, RSA)
    async with a_provider(lambda: answer) as client:
        assert not await fetch(client, TERMS, tmp_path)

    assert Role.PERSON is tokens.caller(bearer()).role
    assert Role.PERSON is verifying(tmp_path).caller(bearer()).role


async def test_a_silent_provider_holds_nobody_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fetch ends in time; until keys come, its tokens alone are refused, as a matter of time."""
    monkeypatch.setattr("api.http.issuers.key_sets.WHOLE_S", 0.05)

    async def never(_: httpx.Request) -> httpx.Response:
        await asyncio.sleep(3600)
        raise AssertionError

    async with httpx.AsyncClient(transport=httpx.MockTransport(never)) as client:
        assert not await fetch(client, TERMS, tmp_path)
    clock = Clock()
    tokens = verifying(tmp_path, clock)
    ours = issue(tmp_path / "issuer.json", Role.AUDITOR, "A", None, days_from_now(1))

    assert "TOKEN_KEYS_UNREADABLE" == code_of(tokens, bearer())
    assert Role.AUDITOR is tokens.caller("Bearer " + ours).role
    assert [True] == [ISSUER in reason.detail for reason in tokens.reasons()]

    path = TERMS.keys_path(tmp_path)
    path.parent.mkdir()
    path.write_text(public(RSA))
    clock.now_s += KEPT_S

    assert Role.PERSON is tokens.caller(bearer()).role
    assert [] == tokens.reasons()


FILE = """
[[issuer]]
issuer = "https://id.example"
audience = "settling"
algorithms = ["ES256"]
keys_file = "keys.json"
role = "person"

[[issuer]]
issuer = "https://staff.example"
audience = "settling"
keys_url = "https://staff.example/keys"
[issuer.claims]
role = "groups"
[issuer.roles]
"yb-clerk" = "agency"
"""


def test_a_file_names_the_issuers(tmp_path: Path) -> None:
    """Each with its own terms; a file of keys lies beside it."""
    path = tmp_path / "issuers.toml"
    path.write_text(FILE)

    people, staff = issuers_of(path)

    assert tmp_path / "keys.json" == people.keys_path(tmp_path / "data")
    assert tmp_path / "data" / "issuers" == staff.keys_path(tmp_path / "data").parent
    assert ({"yb-clerk": Role.AGENCY}, ("RS256",)) == (staff.roles, staff.algorithms)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "issuer = 1",
        FILE.replace("ES256", "HS256"),
        FILE.replace("ES256", "none"),
        FILE.replace('algorithms = ["ES256"]', "algorithms = []"),
        FILE.replace("agency", "king"),
        FILE.replace('keys_file = "keys.json"', ""),
        FILE.replace('role = "person"', 'role = "person"\nkeys_url = "https://x"'),
        FILE.replace("https://staff.example/keys", "file:///etc/passwd"),
        FILE.replace("https://staff.example", "https://id.example"),
        FILE.replace('"https://id.example"', '"gongji"'),
        FILE.replace('role = "person"', 'roll = "person"'),
        FILE.replace('role = "groups"', 'role = ""'),
    ],
)
def test_an_unsound_file_stops_the_start(tmp_path: Path, text: str) -> None:
    """The error names the file and the place."""
    path = tmp_path / "issuers.toml"
    path.write_text(text)

    with pytest.raises(IssuersFileError, match=r"issuers\.toml"):
        issuers_of(path)
