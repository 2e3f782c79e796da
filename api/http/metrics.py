"""Metrics: requests by status, and the numbers of the group commit. No personal data."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Summary, generate_latest

from api.http.asgi import App, Message, Receive, Scope, Send
from service.ledger.appender import Appender
from service.proof.outside import STATES
from service.read_models.lag import Lag

REGISTRY = CollectorRegistry()
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
ANSWERS = Counter(
    "gongji_http_answers", "Answers by method and status", ("method", "status"), registry=REGISTRY
)
SKEW = Gauge(
    "gongji_clock_skew_seconds",
    "How far this machine's clock is ahead of the database's",
    registry=REGISTRY,
)
LEDGER = Gauge("gongji_ledger", "The group commit since the start", ("number",), registry=REGISTRY)
LAG_EVENTS = Gauge(
    "gongji_follower_lag_events",
    "Events that a read model does not show yet",
    ("projection",),
    registry=REGISTRY,
)
LAG_SECONDS = Gauge(
    "gongji_follower_lag_seconds",
    "Age of the oldest event that a read model does not show yet",
    ("projection",),
    registry=REGISTRY,
)
PARKED = Gauge(
    "gongji_parked_events",
    "Events that a read model could not take and went on behind",
    ("projection",),
    registry=REGISTRY,
)

TOKEN_KEYS = Gauge(
    "gongji_token_keys_failing_seconds",
    "For how long the file of token keys could not be read; 0 when it can",
    registry=REGISTRY,
)

RATE_LIMITED = Counter(
    "gongji_rate_limited",
    "Requests refused because their caller or address missed or failed too often",
    ("by",),
    registry=REGISTRY,
)

OUTSIDE = Gauge(
    "gongji_outside_checkpoint",
    "1 for how the log compares with the checkpoint kept outside the database",
    ("state",),
    registry=REGISTRY,
)


SHADOW = Counter(
    "gongji_shadow_bills",
    "Bills decided under an edition in shadow, by whether they would cost the same",
    ("edition", "result"),
    registry=REGISTRY,
)


CENTRE = Summary(
    "gongji_fsi_centre_seconds",
    "Messages of the national protocol that were forwarded to a centre, by number and result",
    ("infno", "result"),
    registry=REGISTRY,
)


FINDINGS = Counter(
    "gongji_fsi_findings_dropped",
    "Rows of the connection check of institutions that did not fit or could not be written",
    registry=REGISTRY,
)


def count_dropped_findings(rows: int) -> None:
    """Count rows of the connection check that are lost."""
    FINDINGS.inc(rows)


def measure_centre(infno: str, result: str, seconds: float) -> None:
    """Count a forwarded message; the numbers and the results are bounded sets."""
    CENTRE.labels(infno, result).observe(seconds)


def count_shadow(edition: str, /, *, is_changed: bool) -> None:
    """Count a bill that was decided under an edition in shadow."""
    SHADOW.labels(edition, "other" if is_changed else "same").inc()


@lru_cache(maxsize=512)
def _counter(method: str, status: int) -> Counter:
    return ANSWERS.labels(method, status)


def count_answer(method: str, status: int) -> None:
    """Count one answer; an unknown method counts as `other`."""
    _counter(method if method in METHODS else "other", status).inc()


class MetricsMiddleware:
    """Counts every answer of an application."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                count_answer(scope["method"], message["status"])
            await send(message)

        await self._app(scope, receive, counted)


class ScrapedState(NamedTuple):
    """What is measured at the scrape.

    `unsealed` rows are under no checkpoint yet. The file of token keys could not be read for
    `token_keys_failing_s` seconds. `outside` is the result of the last comparison with the external
    checkpoint, one of `STATES`.
    """

    unsealed: int
    token_keys_failing_s: float
    outside: str


def measures(appender: Appender, lags: Sequence[Lag], now: ScrapedState) -> bytes:
    """All numbers in the Prometheus text format."""
    for lag in lags:
        LAG_EVENTS.labels(lag.name).set(lag.events)
        LAG_SECONDS.labels(lag.name).set(lag.oldest_s)
        PARKED.labels(lag.name).set(lag.parked)
    TOKEN_KEYS.set(now.token_keys_failing_s)
    for state in STATES:
        OUTSIDE.labels(state).set(state == now.outside)
    LEDGER.labels("unsealed").set(now.unsealed)
    for number in ("batches", "commands", "races", "unknowns"):
        LEDGER.labels(number).set(getattr(appender, number))
    return generate_latest(REGISTRY)
