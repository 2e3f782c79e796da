"""Limits callers with too many misses, before every route of the native API.

A limited request does no work, and its key stays unused. The national protocol has its own
answer (`api/his/exchange.py`).
"""

from api.http.asgi import App, Receive, Scope, Send
from api.http.dependencies import Api
from api.http.headers import sent_header
from api.http.limits.rate_limits import ENUMERATING, FAILURES, MISSES, address_of
from api.http.metrics import RATE_LIMITED
from api.http.problems import ProblemError
from service.caller import Caller, Role
from service.clock import monotonic_s
from service.request_context import SEEN


class Limited:
    """Charges callers for misses and addresses for failures."""

    def __init__(self, app: App, api: Api) -> None:
        self._app = app
        self._api = api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count its misses.

        Raises:
            ProblemError: RATE_LIMITED.
        """
        seen = SEEN.get()
        if scope["type"] != "http" or seen is None:
            await self._app(scope, receive, send)
            return
        limits = self._api.limits
        now_s = monotonic_s()
        if limits.is_any_empty(now_s):
            caller = self._caller(scope)
            address = address_of(scope.get("client"))
            wait_s = limits.wait_of(caller, now_s) if caller else limits.wait_at(address, now_s)
            if wait_s:
                raise too_many(wait_s, "caller" if caller else "address")
        await self._app(scope, receive, send)
        is_naming = scope["path"] in ENUMERATING and scope["method"] == "POST"
        if seen.codes or is_naming:
            self._charge(scope, seen.codes, is_naming=is_naming)

    def _charge(self, scope: Scope, codes: dict[str, int], *, is_naming: bool) -> None:
        limits, now_s = self._api.limits, monotonic_s()
        if not FAILURES.isdisjoint(codes):
            limits.charge_address(address_of(scope.get("client")), codes, now_s)
        elif is_naming or not MISSES.isdisjoint(codes):
            caller = self._caller(scope)
            if caller is None:
                return
            if is_naming and caller.role is Role.PERSON:
                limits.charge_times(caller, 1, now_s)
            else:
                limits.charge(caller, codes, now_s)

    def _caller(self, scope: Scope) -> Caller | None:
        try:
            return self._api.tokens.caller(sent_header(scope, b"authorization"))
        except ProblemError:
            return None


def too_many(wait_s: int, by: str) -> ProblemError:
    """The refusal of a caller who must wait so many seconds; it is counted in the metrics."""
    RATE_LIMITED.labels(by).inc()
    return ProblemError("RATE_LIMITED", retry_after_s=wait_s)
