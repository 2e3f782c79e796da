"""One call as a conversation: what to send, when to wait, when to stop. It does no I/O.

An exchange is a generator. It yields an `Ask` and takes an `Answer` or a `Lost`; it yields a
`Pause` and takes None when that is over. It returns the answer or raises a `GongjiError`.
"""

import json
import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from gongji_client.errors import GongjiError, Unavailable, Unknown, error_class

T = TypeVar("T")

AGAIN = frozenset({408, 429, 503})
"""Statuses of a service that did nothing and may do it later."""
DECIDED = frozenset({409})
"""Statuses that use up a key: whatever came of an earlier attempt, this is its answer too."""


class Ask(NamedTuple):
    """A request to send; the transport adds the address and the token."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes


class Answer(NamedTuple):
    """An answer that came whole; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Lost(NamedTuple):
    """There was no whole answer."""

    was_sent: bool
    """Whether the request may have arrived."""
    how: str
    """The kind of the fault, without an address or a value."""


class Pause(NamedTuple):
    """Nothing to send for so many seconds."""

    seconds: float


Step = Ask | Pause
Told = Answer | Lost | None
Dialogue = Generator[Step, Told, T]


@dataclass(frozen=True, slots=True)
class Retries:
    """How often and how long a call is sent again."""

    attempts: int = 5
    first_s: float = 0.2
    """The longest back-off after the first attempt, in seconds; it doubles with each."""
    longest_s: float = 30.0
    """The longest wait, in seconds. A service that asks for a longer one is not waited for."""


@dataclass(slots=True)
class Verdict:
    """What an attempt's end says of it."""

    is_answer: bool = False
    is_final: bool = False
    """Asking again would say the same."""
    is_doubtful: bool = False
    """It may have been applied."""
    status: int | None = None
    problem: Mapping[str, Any] = field(default_factory=dict)
    wait_s: float = 0.0


def converse(
    ask: Ask,
    key: str | None,
    retries: Retries,
    jitter: Callable[[], float],
    *,
    is_change: bool,
    is_repeatable: bool,
) -> Dialogue[Answer]:
    """Send a request until its end is known, at most `retries.attempts` times.

    An attempt without an answer leaves a doubt. A later attempt that did nothing does not take
    the doubt away; an answer under the same key does.

    Raises:
        GongjiError: as its classes say; `Unknown` where a change ends in doubt.
    """
    is_doubtful = False
    attempts = retries.attempts if is_repeatable else 1
    for attempt in range(1, attempts + 1):
        told = yield ask
        verdict = judge(told)
        if verdict.is_answer:
            assert isinstance(told, Answer), "only answers are answers"
            return told
        if verdict.status in DECIDED:
            is_doubtful = False
        is_doubtful |= verdict.is_doubtful and is_change
        is_last = verdict.is_final or attempt == attempts or verdict.wait_s > retries.longest_s
        if is_last:
            raise _error(verdict, key, is_doubtful=is_doubtful)
        yield Pause(max(verdict.wait_s, _backoff_s(retries, attempt, jitter())))
    raise AssertionError("there is at least one attempt")


def judge(told: Told) -> Verdict:
    """Say what the end of an attempt tells.

    What does not look like the service's own answer, such as a proxy's page, tells nothing.
    """
    assert told is not None, "an Ask is answered"
    if isinstance(told, Lost):
        return Verdict(is_doubtful=told.was_sent, problem={"detail": told.how})
    if told.status // 100 == 2 and is_whole(told):  # noqa: PLR2004 -- success
        return Verdict(is_answer=True)
    problem = problem_in(told)
    is_doubtful = problem.get("outcome") != "not_applied"
    return Verdict(
        is_final=not is_doubtful and told.status not in AGAIN,
        is_doubtful=is_doubtful,
        status=told.status,
        problem=problem,
        wait_s=_seconds(told.headers.get("retry-after", "")),
    )


def is_whole(answer: Answer) -> bool:
    """Whether the content is what its type says: a JSON text, or lines of them."""
    kind = answer.headers.get("content-type", "").partition(";")[0]
    if kind == "application/x-ndjson":
        return not answer.content or answer.content.endswith(b"\n")
    try:
        json.loads(answer.content)
    except ValueError:
        return False
    return kind.endswith("json")


def problem_in(answer: Answer) -> Mapping[str, Any]:
    """The problem that an answer holds; empty where it holds none."""
    try:
        problem = json.loads(answer.content)
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) and "code" in problem else {}


def _error(verdict: Verdict, key: str | None, *, is_doubtful: bool) -> GongjiError:
    if is_doubtful:
        return Unknown(verdict.problem, verdict.status, "unknown", key)
    is_told = verdict.status is not None and bool(verdict.problem)
    made = error_class(verdict.status or 0) if is_told else Unavailable
    return made(verdict.problem, verdict.status, "not_applied", key)


def _backoff_s(retries: Retries, attempt: int, chance: float) -> float:
    """Half of the back-off is sure, half is chance, so that many clients do not come together."""
    whole = min(retries.longest_s, retries.first_s * 2.0 ** (attempt - 1))
    return whole * (1 + chance) / 2


def _seconds(text: str) -> float:
    """The seconds of a Retry-After; a date there counts as none."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) else 0.0
