"""The log as a feed: every event in its order, for auditors, and for agencies what is theirs.

An agency sees an event when its stream belongs to its region: an account opened there, the
kinship of such a person, a correction of such an account, a binding, a credential link or a
premium with a side there, a settlement of a patient or at a place there, a patient's visit, the
region's rules, and what an institution became while it was there. Which regions that are is
read from the first events of the streams: they never change, so nothing here lags behind the
log as a read model would, and nothing is shown before its region is known. Where it cannot be
known (a kind of stream that `_sides` and `_places` were not taught) an event is shown to
auditors and the nation alone.
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
from aggregates.premium.premium import PremiumHeld
from aggregates.settlement.events import Claim, Settled, SettlementRefused, SettlementReversed
from aggregates.settlement.hold import ClaimHeld
from aggregates.topics import CLASSES, TOPICS
from aggregates.visit import VisitRegistered
from aggregates.vocabulary import StreamId
from service.caller import Caller, Role, check_role
from service.clock import monotonic_s, rfc3339
from service.ledger.codec import TOPIC_PREFIX, Recorded, decode, stream_id
from service.ledger.store import Store
from service.read_models.projector import OURS, UnreadableEventError

LIMIT_MAX = 10_000
"""Events in one answer."""
POSITION_MAX = 2**63 - 1
READ_MAX = 250
"""Events read and told at a time: what a stream holds in memory."""
LOOK_MAX = 500
"""Events looked at together: others in this process have their turn in between."""
LOOK_EVERY_S = 0.1
ACCOUNTS_MAX = 100_000
"""Accounts whose region is remembered."""
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
    """One event as it is told: where it stands, its topic, and its JSON without a line break."""

    position: int
    topic: str
    body: bytes


class FeedPage(NamedTuple):
    """Positions of events that a caller may see, ascending, and up to where it was looked."""

    positions: list[int]
    upto: int


class Feed:
    """The log of one process's ledger, for many who follow. `streams` counts who follows live."""

    def __init__(self, store: Store, pool: Pool) -> None:
        """Read with a pool's connections, each for one page at a time."""
        self._store = store
        self._pool = pool
        self._regions = _Regions(store)
        self._looking = asyncio.Lock()
        self._looked_s = -LOOK_EVERY_S
        self._head = 0
        self.streams = 0

    async def head(self) -> int:
        """The newest position, at most `LOOK_EVERY_S` seconds old, asked for all at once."""
        async with self._looking:
            if monotonic_s() - self._looked_s >= LOOK_EVERY_S:
                self._head = await self._store.position()
                self._looked_s = monotonic_s()
            return self._head

    async def find(self, caller: Caller, after: int, limit: int) -> FeedPage:
        """The first `limit` events behind a position that the caller may see.

        Raises:
            NotPermittedError: neither auditor nor agency;
            UnreadableEventError: there is nothing before one that this release cannot read.
        """
        check_follower(caller)
        region = None if caller.role is Role.AUDITOR else caller.region
        positions: list[int] = []
        upto = after
        while len(positions) < limit:
            size = LOOK_MAX if region else min(LOOK_MAX, limit - len(positions))
            looked = await self._pool.fetch(LOOK, upto, size, DESIGNATED)
            known, unreadable = _known(looked)
            own = known if region is None else await self._own(region, known)
            positions += [row["position"] for row in own][: limit - len(positions)]
            if len(positions) == limit:
                return FeedPage(positions, positions[-1])
            if unreadable is not None and not positions:
                raise UnreadableEventError(unreadable)
            if unreadable is not None:
                return FeedPage(positions, positions[-1])
            upto = looked[-1]["position"] if looked else upto
            if len(looked) < size:
                break
        return FeedPage(positions, upto)

    async def _own(self, region: str, known: Sequence[Any]) -> list[Any]:
        try:
            return await self._regions.own(region, known)
        except ValueError:  # its words may hold values of rows
            raise UnreadableEventError(known[0]["position"]) from None

    async def read(self, positions: Sequence[int]) -> list[FeedLine]:
        """Events as lines, at most `READ_MAX` at a time, in their order.

        Raises:
            UnreadableEventError: a stored event is not of our shape.
        """
        assert len(positions) <= READ_MAX, "a page at a time"
        return [_line(row) for row in await self._pool.fetch(READ, positions)]


def check_follower(caller: Caller) -> None:
    """Let auditors and agencies follow.

    Raises:
        NotPermittedError: anybody else.
    """
    check_role(caller, Role.AUDITOR, Role.AGENCY)


def _known(looked: Sequence[Any]) -> tuple[list[Any], int | None]:
    """Rows up to the first that only a newer release can read, and its position if there is one.

    What the eventsourcing library stored under topics of its own is passed over.
    """
    known: list[Any] = []
    for row in looked:
        topic = row["topic"]
        if topic in CLASSES:
            known.append(row)
        elif topic is None or OURS.fullmatch(topic):
            return known, row["position"]
    return known, None


def _line(row: Any) -> FeedLine:  # noqa: ANN401 -- a record of asyncpg
    position, recorded_at, stream, version, topic, state = row
    try:
        stored = json.decode(state)
        act, event = stored["act"], stored["event"]
        told = {
            "position": position,
            "stream": _stream(topic, stream.hex),
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
    return FeedLine(position, topic, json.encode(told))


def _stream(topic: str, hexadecimal: str) -> StreamId:
    return stream_id(TOPIC_PREFIX[topic.partition(".")[0]], hexadecimal)


class _Regions:
    """Which regions a stream belongs to, by the log's own words."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._accounts: dict[StreamId, str] = {}

    async def own(self, region: str, rows: Sequence[Any]) -> list[Any]:
        """Rows of `LOOK` whose event a region's agency may see."""
        streams = [_stream(row["topic"], row["stream"].hex) for row in rows]
        regions = await self._of({s for s in streams if not s.startswith("ins_")})
        return [
            row
            for stream, row in zip(streams, rows, strict=True)
            if region in (regions.get(stream) or await self._then(stream, row))
        ]

    async def _then(self, stream: StreamId, row: Any) -> set[str]:  # noqa: ANN401 -- a record
        """The region that an institution was in when this happened to it; else none is known."""
        if not stream.startswith("ins_"):
            return set()
        return _designated(row) if row["state"] else await self._before(stream, row["position"])

    async def _before(self, institution: StreamId, position: int) -> set[str]:
        """The region that an institution was in before a position."""
        history = await self._store.history(institution)
        return _last_region([one.event for one in history if one.position < position])

    async def _of(self, streams: set[StreamId]) -> dict[StreamId, set[str]]:
        accounts = {stream for stream in streams if stream.startswith("acc_")}
        began = await self._store.first_events(sorted(streams - accounts))
        sides = {side for first in began for side in _sides(first)}
        where = await self._opened(accounts | sides)
        regions = {account: {where[account]} for account in accounts & set(where)}
        for first in began:
            told = {where[side] for side in _sides(first) if side in where}
            regions[first.stream] = told | await self._places(first)
        return regions

    async def _opened(self, accounts: set[StreamId]) -> dict[StreamId, str]:
        """The region of each account that there is."""
        where = {s: self._accounts[s] for s in accounts if s in self._accounts}
        for first in await self._store.first_events(sorted(accounts - set(where))):
            if isinstance(first.event, AccountOpened):
                where[first.stream] = self._accounts[first.stream] = first.event.region
        while len(self._accounts) > ACCOUNTS_MAX:
            del self._accounts[next(iter(self._accounts))]
        return where

    async def _places(self, first: Recorded) -> set[str]:
        """Regions that a stream's first event names, or that its institution was in then."""
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


def _sides(first: Recorded) -> tuple[StreamId, ...]:
    """The accounts whose regions a stream belongs to, from its first event."""
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
        ):
            return (account,)
        case _:
            return ()


def _designated(row: Any) -> set[str]:  # noqa: ANN401 -- a record of asyncpg
    """The region that an institution's event says it is in: it may move, its events do not."""
    return _last_region([decode(row["topic"], row["state"]).event])


def _last_region(events: Iterable[object]) -> set[str]:
    regions = [event.region for event in events if isinstance(event, InstitutionDesignated)]
    return set(regions[-1:])
