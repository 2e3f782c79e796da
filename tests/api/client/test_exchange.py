"""The logic of a call, without a network: what is sent again, when, and when it ends."""

import json

import pytest

from gongji_client import GongjiError, Retries, Unavailable, Unknown, shapes
from gongji_client.errors import Denied, Invalid, NotFound, Refused
from gongji_client.exchange import Answer, Ask, Dialogue, Lost, Pause, Told
from gongji_client.operations import Operations

CANARY = "11010519491231002X"
GONE, UNSENT = Lost(was_sent=True, how="ReadTimeout"), Lost(was_sent=False, how="ConnectError")


def operations(jitter: float = 1.0) -> Operations:
    return Operations(Retries(), lambda: "key-1", lambda: jitter)


def answer(status: int, body: object, **headers: str) -> Answer:
    kind = "application/json" if status < 300 else "application/problem+json"
    told = {"content-type": kind} | {n.replace("_", "-"): text for n, text in headers.items()}
    return Answer(status, told, json.dumps(body).encode())


def problem(status: int, code: str, outcome: str = "not_applied", **headers: str) -> Answer:
    return answer(status, {"code": code, "outcome": outcome, "detail": CANARY}, **headers)


def play(
    dialogue: Dialogue[object], *told: Told
) -> tuple[list[Ask], list[float], object | GongjiError]:
    """Give a dialogue what comes, the last of it for ever: what it sent, its pauses, its end."""
    asked: list[Ask] = []
    pauses: list[float] = []
    came: Told = None
    waiting = list(told)
    try:
        while True:
            step = dialogue.send(came)
            if isinstance(step, Pause):
                pauses.append(step.seconds)
                came = None
                continue
            asked.append(step)
            came = waiting.pop(0) if len(waiting) > 1 else waiting[0]
    except StopIteration as end:
        return asked, pauses, end.value
    except GongjiError as error:
        return asked, pauses, error


@pytest.mark.parametrize(
    ("jitter", "pauses"), [(1.0, [0.2, 0.4, 0.8, 1.6]), (0.0, [0.1, 0.2, 0.4, 0.8])]
)
def test_the_back_off_doubles_between_half_and_whole(jitter: float, pauses: list[float]) -> None:
    """Five attempts under one key; chance decides on half of each pause."""
    asked, waited, error = play(operations(jitter).call("POST", "/v1/settlements", {}), GONE)

    assert pauses == pytest.approx(waited)
    assert [{"Idempotency-Key": "key-1"}] * 5 == [ask.headers for ask in asked]
    assert isinstance(error, Unknown)
    assert "key-1" == error.key


@pytest.mark.parametrize(
    ("after", "pause"),
    [("7", 7.0), ("0", 0.2), ("Wed, 21 Oct 2026 07:28:00 GMT", 0.2), ("nan", 0.2)],
)
def test_retry_after_is_waited_for(after: str, pause: float) -> None:
    """The service's seconds where they are more than the back-off; a date counts as none."""
    busy = problem(429, "RATE_LIMITED", retry_after=after)
    _, pauses, settled = play(
        operations().call("POST", "/v1/settlements", {}), busy, answer(201, {})
    )

    assert [pause] == pauses
    assert {} == settled


def test_a_service_that_asks_for_minutes_is_not_waited_for() -> None:
    """The caller decides what to do with so long a time."""
    busy = problem(429, "RATE_LIMITED", retry_after="600")
    asked, pauses, error = play(operations().call("POST", "/v1/settlements", {}), busy)

    assert (1, []) == (len(asked), pauses)
    assert isinstance(error, Unavailable)


@pytest.mark.parametrize("told", [GONE, UNSENT, problem(503, "STORE_UNAVAILABLE"), answer(502, {})])
@pytest.mark.parametrize("path", ["/v1/audit/replays", "/v1/policies/rehearsals"])
def test_what_is_not_idempotent_is_sent_once(path: str, told: Told) -> None:
    """Twice would start the work twice."""
    asked, _, error = play(operations().call("POST", path, {}), told)

    assert [{}] == [ask.headers for ask in asked]
    assert isinstance(error, GongjiError)
    assert error.key is None


def test_outside_of_the_native_api_nothing_is_asked() -> None:
    """A national message has its own numbers, and this client does not know them."""
    with pytest.raises(ValueError, match="/v1"):
        next(operations().call("POST", "/fsi/api", {}))


@pytest.mark.parametrize("dialogue", [operations().account, operations().settlement_by_key])
def test_a_read_applies_nothing(dialogue: object) -> None:
    """It is sent again without a key, and its end without an answer is no doubt."""
    assert callable(dialogue)
    asked, _, error = play(dialogue("P1"), GONE)

    assert ({}, 5) == (asked[0].headers, len(asked))
    assert isinstance(error, Unavailable)
    assert "not_applied" == error.outcome


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Invalid), (405, Invalid), (413, Invalid), (415, Invalid), (422, Invalid),
        (401, Denied), (403, Denied), (404, NotFound), (409, Refused),
        (500, Unavailable), (501, Unavailable),
    ],
)  # fmt: skip
def test_a_problem_of_the_service_is_final(status: int, kind: type[GongjiError]) -> None:
    """One attempt, and an error of its class that holds the whole problem but does not tell it."""
    told = problem(status, "SOME_CODE")
    asked, _, error = play(operations().call("POST", "/v1/settlements", {}), told)

    assert 1 == len(asked)
    assert kind is type(error)
    assert isinstance(error, GongjiError)
    assert (status, "SOME_CODE", "key-1", CANARY) == (
        error.status,
        error.code,
        error.key,
        error.problem["detail"],
    )
    assert CANARY not in f"{error} {error!r} {error.args}"


def test_a_name_stays_one_part_of_a_path() -> None:
    """No person number leads to another operation."""
    (ask, *_), _, _ = play(operations().account("../bindings?x=/"), answer(200, {}))

    assert "/v1/accounts/..%2Fbindings%3Fx%3D%2F" == ask.path


def test_a_key_where_none_is_taken_is_a_mistake() -> None:
    """The caller would believe that a quote is kept."""
    with pytest.raises(ValueError, match="no key"):
        next(operations().call("POST", "/v1/quotes", {}, "key"))


@pytest.mark.parametrize(
    ("reversal", "found", "kind"),
    [
        (problem(409, "USE_REFUND"), answer(200, {"status": "settled"}), dict),
        (problem(409, "USE_REFUND"), answer(200, {"status": "cancelled"}), type(None)),
        (problem(409, "USE_REFUND"), problem(404, "NOT_FOUND"), Unknown),
        (problem(401, "UNAUTHENTICATED"), GONE, Unknown),
        (problem(503, "STORE_UNAVAILABLE"), GONE, Unknown),
    ],
)
def test_a_reversal_that_does_nothing_is_no_answer(
    reversal: Answer, found: Told, kind: type[object]
) -> None:
    """A settlement that can no longer be reversed stands; otherwise its own key is told."""
    claim: shapes.ClaimJson = {
        "beneficiary": {"type": "person_no", "value": "P1"},
        "visit": "1",
        "charge_batch": "1",
        "med_type": "11",
        "treated_at": "2026-03-02T10:15:00+08:00",
        "total": "2.00",
        "fund_pay": "1.00",
    }
    dialogue = operations().settle_or_reverse(claim, "settling")
    attempts = Retries().attempts
    times = attempts if reversal.status == 503 else 1
    _, _, end = play(dialogue, *[GONE] * attempts, *[reversal] * times, found)

    assert kind is type(end)
    if isinstance(end, Unknown):
        assert "settling" == end.key
