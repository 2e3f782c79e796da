"""Every way to be told no: rows of bad input, and the list of codes that only grows."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from asyncpg import InterfaceError

from aggregates.refusals import RefusalError
from api.http.problems import CODES, OF_STATUS, answer_problem, problem_of
from api.http.texts import PROBLEM_TEXTS
from service.ledger.memory_store import MemoryStore
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from service.settlement import plan_hash as plans
from tests.api.clients import (
    AGENCY,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    Desk,
    a_claim,
    a_family,
    a_settlement,
    is_refused,
)
from tests.api.http.attacks import CLAIMS, GOOD, OTHERS, Attack

LIST = Path(__file__).parents[2] / "samples" / "problem_codes.txt"


def words_of(attack: Attack) -> Iterator[str]:
    """The words of a bad request that are not in a good one."""
    try:
        sent = json.loads(
            attack.body if isinstance(attack.body, bytes) else json.dumps(attack.body)
        )
    except (ValueError, RecursionError):
        return
    for word in leaves(sent):
        if len(word) > 3 and word not in GOOD.decode() and "frozen" != word:
            yield word


def leaves(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from leaves(member)
            if not name.isidentifier():
                yield name
    elif isinstance(value, list):
        for member in value[:100]:
            yield from leaves(member)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("attack", CLAIMS + OTHERS, ids=lambda a: a.row)
async def test_bad_input_changes_nothing_and_is_not_repeated(
    desk: Desk, attack: Attack, caplog: pytest.LogCaptureFixture
) -> None:
    """A bad request has its code, moves no version or balance, and comes back in no answer."""
    await a_family(desk)
    before = desk.stands()
    headers = {"Idempotency-Key": "k1"} | attack.headers
    with caplog.at_level(logging.DEBUG, "gongji"):
        answer = await desk.send(attack.method, attack.who, attack.path, attack.body, headers)

    is_refused(answer, attack.status, attack.code)
    assert before == desk.stands()
    for word in words_of(attack):
        assert word not in answer.text
        assert json.dumps(word)[1:-1] not in answer.text
    assert [] == caplog.records


@pytest.mark.parametrize("attack", CLAIMS, ids=lambda a: a.row)
async def test_a_quote_refuses_what_a_settlement_refuses(desk: Desk, attack: Attack) -> None:
    """A bad claim gets the same problem at the quote, keys aside."""
    await a_family(desk)
    if attack.code.startswith("IDEMPOTENCY"):
        return
    answer = await desk.send(attack.method, attack.who, "/v1/quotes", attack.body, attack.headers)

    is_refused(answer, attack.status, attack.code)


async def test_a_claim_without_a_key_is_refused(desk: Desk) -> None:
    """Every POST that changes something needs its Idempotency-Key, also behind the hot route."""
    await a_family(desk)
    before = desk.stands()
    offer = {"beneficiary": "P1", "relation": "child"}
    for who, path, body in (
        (HOSPITAL, "/v1/settlements", a_claim()),
        (HOSPITAL, "/v1/settlements/stl_" + "0" * 32 + "/cancellation", {}),
        (AGENCY, "/v1/accounts/P1/credits", {"amount": "1.00"}),
        (AGENCY, "/v1/accounts/P1/status", {"status": "frozen"}),
        (AGENCY, "/v1/bindings", offer | {"sponsor": "S1"}),
    ):
        answer = await desk.send("POST", who, path, body)
        is_refused(answer, 400, "IDEMPOTENCY_KEY_REQUIRED")
    assert before == desk.stands()


async def test_a_wrong_method_is_told_the_right_ones(desk: Desk) -> None:
    """405 names in `Allow` what the address takes, as HTTP asks."""
    answer = await desk.send("DELETE", HOSPITAL, "/v1/settlements", b"")

    is_refused(answer, 405, "METHOD")
    assert answer.headers["allow"] in ("GET", "POST")


DATA = (
    "' OR 1=1; DROP TABLE events --",
    "$1",
    "%00",
    "<script>alert(1)</script>",
    "=cmd()",
    "{{7*7}}",
)


@pytest.mark.parametrize("word", DATA)
async def test_a_strange_word_is_data(desk: Desk, word: str) -> None:
    """SQL, markup and formulas in a free text are kept as they are and mean nothing (B17, B18)."""
    await a_family(desk)
    settled = await a_settlement(desk, visit=word, charge_batch=word)
    named = {"code": "H1", "name": word, "class": "hospital", "region": "990000"}
    put = await desk.send("PUT", NATION, "/v1/institutions/H1", named)

    assert word not in json.dumps(settled)
    assert word == put.json()["name"]
    assert "nosniff" == put.headers["x-content-type-options"]
    again = await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=word, charge_batch=word))
    is_refused(again, 409, "DUPLICATE_CLAIM")


async def test_the_canary_is_never_heard(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """The patient's ID number and name leave through no institution's answer, log or metric."""
    await a_family(desk)
    caplog.set_level(logging.DEBUG, "gongji")
    by_card = {"beneficiary": {"type": "id_card", "value": CANARY_ID}}
    settled = await desk.post(HOSPITAL, "/v1/settlements", a_claim(**by_card))
    heard = [settled.text, settled.headers.__repr__()]
    for body in (
        a_claim(**{CANARY_ID: CANARY_NAME}),
        a_claim(visit=CANARY_ID + "\n"),
        a_claim(treated_at=CANARY_ID),
        a_claim(beneficiary={"type": CANARY_ID, "value": CANARY_NAME}),
        a_claim(total=CANARY_ID, lines=[{CANARY_ID: CANARY_ID}]),
        a_claim(**by_card, visit="v2", plan_hash=f" {CANARY_ID}"),
    ):
        for path in ("/v1/settlements", "/v1/quotes"):
            answer = await desk.post(HOSPITAL, path, body)
            assert 422 == answer.status_code
            heard.append(answer.text)
    looks = ("", "settlements/", "bindings?", "settlements?key=")
    heard += [(await desk.get(HOSPITAL, f"/v1/{look}{CANARY_ID}")).text for look in looks]
    await desk.send(CANARY_ID, HOSPITAL, "/v1/settlements", b"")
    heard.append(
        (await desk.get(HOSPITAL, f"/v1/settlements/{settled.json()['settlement_id']}")).text
    )
    heard.append((await desk.get(HOSPITAL, "/metrics")).text)
    heard += [record.getMessage() for record in caplog.records]

    assert [] == [told for told in heard if CANARY_ID in told or CANARY_NAME in told]


@pytest.mark.parametrize(
    "path", ["/v1/settlements", "/v1/quotes", "/v1/bindings", "/v1/accounts/P1"]
)
async def test_without_a_token_nothing_is_told(desk: Desk, path: str) -> None:
    """No token is 401 with the way to come in, whatever the body."""
    answer = await desk.front.request("GET" if "P1" in path else "POST", path, content=b"[")

    is_refused(answer, 401, "UNAUTHENTICATED")
    assert "Bearer" == answer.headers["www-authenticate"]


@pytest.mark.parametrize(
    ("failure", "code", "outcome"),
    [
        (StoreUnavailableError("away"), "STORE_UNAVAILABLE", "not_applied"),
        (OutcomeUnknownError("cut"), "OUTCOME_UNKNOWN", "unknown"),
    ],
)
async def test_a_lost_ledger_is_never_a_lost_answer(
    desk: Desk, failure: StoreUnavailableError, code: str, outcome: str
) -> None:
    """The append is tried again after it failed before or after the commit: settled once."""
    await a_family(desk)
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    store.fail_next = failure
    settled = await a_settlement(desk, "k1")

    assert ("settled", "455.75") == (settled["status"], await desk.balance("S1"))
    told, said, _ = problem_of(failure)
    assert (code, outcome, 503) == (told, said, PROBLEM_TEXTS[told].status)


@pytest.mark.parametrize("silence", [TimeoutError(), ConnectionResetError(), InterfaceError("x")])
def test_a_silent_database_is_503(silence: Exception) -> None:
    """A look applied nothing; of a change nobody knows what it applied before."""
    asked, looked = (
        json.loads(bytes(answer_problem(silence, None, method).body)) for method in ("POST", "GET")
    )

    assert (503, "OUTCOME_UNKNOWN", "unknown") == (
        asked["status"],
        asked["code"],
        asked["outcome"],
    )
    assert (503, "STORE_UNAVAILABLE", "not_applied") == (
        looked["status"],
        looked["code"],
        looked["outcome"],
    )


def leaf_refusals(kind: type[RefusalError] = RefusalError) -> Iterator[type[RefusalError]]:
    below = kind.__subclasses__()
    if not below:
        yield kind
    for one in below:
        yield from leaf_refusals(one)


def test_every_refusal_has_its_words() -> None:
    """Each refusal of the rules is told under a code that has a status and two sentences."""
    assert plans.PlanHashInvalidError in set(leaf_refusals())
    told = {problem_of(refusal())[0] for refusal in leaf_refusals()}

    assert set() == told - set(PROBLEM_TEXTS)
    assert set() == {code for _, code, _ in CODES} - set(PROBLEM_TEXTS)
    assert set() == set(OF_STATUS.values()) - set(PROBLEM_TEXTS)


def test_the_list_of_codes_only_grows() -> None:
    """A code that was ever told is told for ever, and a new one is written down."""
    known = LIST.read_text(encoding="utf-8").split()

    assert sorted(set(known)) == sorted(known)
    assert list(PROBLEM_TEXTS) == [code for code in known if code in PROBLEM_TEXTS] == known
