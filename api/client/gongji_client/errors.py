"""What a call may end with instead of an answer.

GongjiError
├── Refused       a rule says no (409): nothing changed, and the key is used up
├── Invalid       the request has the wrong shape (400, 413, 415, 422): the key is free
├── Denied        the caller may not do this (401, 403)
├── NotFound      there is no such thing, or it is not the caller's (404)
├── Unavailable   surely nothing changed, and the service did not serve (429, 503, no connection)
└── Unknown       a change was sent and its outcome is not known: ask again with `key`

The text of an error holds its code, status, outcome and trace, and no personal data.
"""

from collections.abc import Mapping
from typing import Any


class GongjiError(Exception):
    """A call without an answer; `outcome` says what it did: `not_applied` or `unknown`."""

    code: str
    """The problem's code, such as `DUPLICATE_CLAIM`; `NO_ANSWER` where the service told none."""
    status: int | None
    """The HTTP status; None where there was no answer."""
    detail: str
    """The service's sentence in the language of the client, or the kind of the lost connection."""
    problem: Mapping[str, Any]
    """The whole RFC 9457 problem; it may hold personal data. Empty where there is none."""
    key: str | None
    """The Idempotency-Key that the change was sent under; None where it needs none."""

    def __init__(
        self, problem: Mapping[str, Any], status: int | None, outcome: str, key: str | None
    ) -> None:
        self.code = str(problem.get("code", "NO_ANSWER"))
        self.status = status
        self.outcome = outcome
        self.detail = str(problem.get("detail", ""))
        self.trace_id = str(problem.get("trace_id", ""))
        self.problem = problem
        self.key = key
        told = [f"status {status}"] if status else []
        told += [outcome, *([f"trace {self.trace_id}"] if self.trace_id else [])]
        super().__init__(f"{self.code} ({', '.join(told)})")


class Refused(GongjiError):
    """A rule refuses the change."""


class Invalid(GongjiError):
    """The request has the wrong shape."""


class Denied(GongjiError):
    """The caller may not do this."""


class NotFound(GongjiError):
    """There is no such thing, or it is not the caller's."""


class Unavailable(GongjiError):
    """The service does not serve; surely nothing changed."""


class Unknown(GongjiError):
    """A change may have been applied: the same call with `key` finds out."""


OF_STATUS: Mapping[int, type[GongjiError]] = {
    400: Invalid,
    401: Denied,
    403: Denied,
    404: NotFound,
    408: Unavailable,
    409: Refused,
    413: Invalid,
    415: Invalid,
    422: Invalid,
    429: Unavailable,
}


def error_class(status: int) -> type[GongjiError]:
    """The class of a problem that says that nothing was applied."""
    return OF_STATUS.get(status, Unavailable if status >= 500 else Invalid)  # noqa: PLR2004
