"""The log as a feed of events in order: all for auditors, those of its region for an agency.

A stream belongs to a region if it is an account opened there, the kinship of such a person, a
correction of such an account, a binding, credential link or premium with a party there, a
settlement of a patient or at a place there, a patient's visit, the region's rules, or an
institution while it is there. The regions are read from the first events of the streams. These
never change, so the feed does not lag behind the log as a read model does. An event whose region
cannot be known (a kind of stream that `_parties` and `_places` do not know) is for auditors and
the nation only.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from asyncpg import Pool
from msgspec import json

from aggregates.account.correction import CorrectionProposed
from aggregates.account.events import AccountOpened
from aggregates.binding.events import InvitationSent
from aggregates.binding.kinship import KinshipConfirmed, KinshipRecorded
from aggregates.credential_link.events import CredentialLinkOpened, CredentialLinkRequested
from aggregates.institution import InstitutionDesignated
from aggregates.policy.rulebook import EditionPublished
from aggregates.pool.events import PoolOpened
from aggregates.premium.premium import PremiumHeld
from aggregates.settlement.events import Claim, Settled, SettlementRefused, SettlementReversed
from aggregates.settlement.hold import ClaimHeld
from aggregates.topics import CLASSES, TOPICS
from aggregates.visit import VisitRegistered
from aggregates.vocabulary import StreamId
from service.caller import Caller, Role, check_role
from service.clock import monotonic_s, rfc3339
from service.ledger.codec import Recorded, decode, stream_of
from service.ledger.store import Store
from service.read_models.projector import UnreadableEventError, is_unknown

LIMIT_MAX = 10_000
"""Events in one response."""
POSITION_MAX = 2**63 - 1
READ_MAX = 250
"""Events read at a time: those that a stream has in memory."""
LOOK_MAX = 500
"""Events filtered at a time; the event loop runs other tasks in between."""
LOOK_EVERY_S = 0.1
ACCOUNTS_MAX = 100_000
"""Accounts whose region is cached."""
SEALED = "sealed"
"""The member of an event that holds personal data or a secret, as ciphertext."""
DESIGNATED = TOPICS[InstitutionDesignated]

LOOK = """
    SELECT e.position, e.stream, t.topic, CASE WHEN t.topic = $3 THEN e.state END AS state
      FROM events e LEFT JOIN topics t ON t.id = e.topic
     WHERE e.position > $1 ORDER BY e.position LIMIT $2
"""
READ = """
    SELECT e.position, e.recorded_at, e.stream, e.version, t.topic, e.state
      FROM events e JOIN topics t ON t.id = e.topic
     WHERE e.position = ANY ($1::bigint[]) ORDER BY e.position
"""


class FeedLine(NamedTuple):
    """One event of the feed; `body` is JSON without a line break."""

    position: int
    topic: str
    body: bytes


class FeedPage(NamedTuple):
    """Ascending positions of events that a caller may see, and the last position looked at."""

    positions: list[int]
    upto: int


class Feed:
    """The feed of one process for many readers. `streams` counts the live streams."""

    def __init__(self, store: Store, pool: Pool) -> None:
        self._store = store
        self._pool = pool
        self._regions = _Regions(store)
        self._lock = asyncio.Lock()
        self._read_s = -LOOK_EVERY_S
        self._head = 0
        self.streams = 0

    async def head(self) -> int:
        """The newest position, at most `LOOK_EVERY_S` seconds old; one query serves all streams."""
        async with self._lock:
            if monotonic_s() - self._read_s >= LOOK_EVERY_S:
                self._head = await self._store.position()
                self._read_s = monotonic_s()
            return self._head

    async def find(self, caller: Caller, after: int, limit: int) -> FeedPage:
        """The first `limit` events after a position that the caller may see.

        Raises:
            NotPermittedError: neither auditor nor agency;
            UnreadableEventError: this release cannot read the first event.
        """
        check_follower(caller)
        region = None if caller.role is Role.AUDITOR else caller.region
        positions: list[int] = []
        upto = after
        while len(positions) < limit:
            size = LOOK_MAX if region else min(LOOK_MAX, limit - len(positions))
            rows = await self._pool.fetch(LOOK, upto, size, DESIGNATED)
            readable, unreadable = _readable(rows)
            own = readable if region is None else await self._own(region, readable)
            positions += [row["position"] for row in own][: limit - len(positions)]
            if unreadable is not None and not positions:
                raise UnreadableEventError(unreadable)
            if unreadable is not None or len(positions) == limit:
                return FeedPage(positions, positions[-1])
            upto = rows[-1]["position"] if rows else upto
            if len(rows) < size:
                break
        return FeedPage(positions, upto)

    async def _own(self, region: str, rows: Sequence[Any]) -> list[Any]:
        try:
            return await self._regions.own(region, rows)
        except ValueError:  # its message may have values of rows
            raise UnreadableEventError(rows[0]["position"]) from None

    async def read(self, positions: Sequence[int]) -> list[FeedLine]:
        """Events as lines, at most `READ_MAX`, in their order.

        Raises:
            UnreadableEventError: a stored event has another form.
        """
        assert len(positions) <= READ_MAX, "a page at a time"
        return [_line(row) for row in await self._pool.fetch(READ, positions)]


def check_follower(caller: Caller) -> None:
    """Check that the caller is an auditor or an agency.

    Raises:
        NotPermittedError: it is not.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)


def _readable(rows: Sequence[Any]) -> tuple[list[Any], int | None]:
    """Rows up to the first that only a newer release can read, and its position if there is one.

    Rows that the eventsourcing library stored under its own topics are left out.
    """
    readable: list[Any] = []
    for row in rows:
        if row["topic"] in CLASSES:
            readable.append(row)
        elif is_unknown(row["topic"]):
            return readable, row["position"]
    return readable, None


def _line(row: Any) -> FeedLine:  # noqa: ANN401 -- a record of asyncpg
    position, recorded_at, stream, version, topic, state = row
    try:
        stored = json.decode(state)
        act, event = stored["act"], stored["event"]
        body = {
            "position": position,
            "stream": stream_of(topic, stream),
            "version": version,
            "topic": topic,
            "recorded_at": rfc3339(recorded_at),
            "actor": act["actor"],
            "channel": act["channel"],
            "on_behalf_of": act["on_behalf_of"],
            "event": {name: value for name, value in event.items() if name != SEALED},
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableEventError(position) from None
    return FeedLine(position, topic, json.encode(body))


class _Regions:
    """The regions that streams belong to, read from the log."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts: dict[StreamId, str] = {}

    async def own(self, region: str, rows: Sequence[Any]) -> list[Any]:
        """The rows of `LOOK` that a region's agency may see."""
        streams = [stream_of(row["topic"], row["stream"]) for row in rows]
        regions = await self._of({s for s in streams if not s.startswith("ins_")})
        return [
            row
            for stream, row in zip(streams, rows, strict=True)
            if region in (regions.get(stream) or await self._at(stream, row))
        ]

    async def _at(self, stream: StreamId, row: Any) -> set[str]:  # noqa: ANN401 -- a record
        """The region of an institution at an event of it; empty for other streams."""
        if not stream.startswith("ins_"):
            return set()
        if row["state"]:  # a designation: it names the region from then on
            return _last_region([decode(row["topic"], row["state"]).event])
        return await self._before(stream, row["position"])

    async def _before(self, institution: StreamId, position: int) -> set[str]:
        """The region of an institution before a position."""
        history = await self._store.history(institution)
        return _last_region([past.event for past in history if past.position < position])

    async def _of(self, streams: set[StreamId]) -> dict[StreamId, set[str]]:
        accounts = {stream for stream in streams if stream.startswith("acc_")}
        began = await self._store.first_events(sorted(streams - accounts))
        parties = {party for first in began for party in _parties(first)}
        where = await self._opened(accounts | parties)
        regions = {account: {where[account]} for account in accounts & set(where)}
        for first in began:
            named = {where[party] for party in _parties(first) if party in where}
            regions[first.stream] = named | await self._places(first)
        return regions

    async def _opened(self, accounts: set[StreamId]) -> dict[StreamId, str]:
        """The regions of existing accounts."""
        where = {s: self._accounts[s] for s in accounts if s in self._accounts}
        for first in await self._store.first_events(sorted(accounts - set(where))):
            if isinstance(first.event, AccountOpened):
                where[first.stream] = self._accounts[first.stream] = first.event.region
        while len(self._accounts) > ACCOUNTS_MAX:
            del self._accounts[next(iter(self._accounts))]
        return where

    async def _places(self, first: Recorded) -> set[str]:
        """The regions that a stream's first event names, or that of its institution then."""
        match first.event:
            case (
                Settled(place_region=region)
                | ClaimHeld(place_region=region)
                | EditionPublished(region=region)
            ):
                return {region}
            case (
                SettlementRefused(claim=Claim(institution=place))
                | SettlementReversed(institution=place)
            ):
                return await self._before(place, first.position)
            case _:
                return set()


def _parties(first: Recorded) -> tuple[StreamId, ...]:
    """The accounts in a stream's first event, whose regions the stream belongs to."""
    match first.event:
        case InvitationSent(sponsor=sponsor, beneficiary=beneficiary):
            return sponsor, beneficiary
        case (
            CredentialLinkOpened(guardian=guardian, member=member)
            | CredentialLinkRequested(guardian=guardian, member=member)
        ):
            return guardian, member
        case Settled(claim=claim) | SettlementRefused(claim=claim) | ClaimHeld(claim=claim):
            return (claim.beneficiary,)
        case PremiumHeld(sponsor=sponsor, payee=payee):
            return sponsor, payee
        case (
            KinshipRecorded(person=account)
            | KinshipConfirmed(person=account)
            | CorrectionProposed(account=account)
            | VisitRegistered(beneficiary=account)
            | PoolOpened(owner=account)
        ):
            return (account,)
        case _:
            return ()


def _last_region(events: Iterable[object]) -> set[str]:
    regions = [event.region for event in events if isinstance(event, InstitutionDesignated)]
    return set(regions[-1:])
