"""Traces of events for the auditors' rules, each in the journal of one entity.

A journal belongs to an account, a binding, a credential link or a pharmacy. A trace has what a
rule of `rules.py` needs, and of persons only account ids.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from aggregates.account import events as account_events
from aggregates.binding import events as binding_events
from aggregates.binding.kinship import KinshipEnded, KinshipRecorded
from aggregates.credential_link.events import CodeShown
from aggregates.settlement import events as settlement_events
from aggregates.topics import Event
from aggregates.vocabulary import BEIJING, InstitutionKind, StreamId
from projections.kit.recorded_event import RecordedEvent

PHARMACY = InstitutionKind.PHARMACY.value
RETURNS = (
    settlement_events.SettlementCancelled,
    settlement_events.PartRefunded,
    settlement_events.SettlementReversed,
)
TRACED: tuple[type[Event], ...] = (
    settlement_events.Settled,
    *RETURNS,
    binding_events.InvitationSent,
    binding_events.StrangerInvited,
    binding_events.GrantChanged,
    binding_events.BindingConfirmed,
    binding_events.BindingReleased,
    account_events.SponsorLinked,
    account_events.SponsorUnlinked,
    account_events.BeneficiaryLinked,
    account_events.AccountClosed,
    KinshipRecorded,
    KinshipEnded,
    CodeShown,
)
FOLLOWING = (*RETURNS, KinshipEnded)
"""Events without their journal's entity: it is that of their stream's first trace."""


class ObservationKind(StrEnum):
    """What a trace is about."""

    BILL = "bill"
    SOLD = "sold"
    GAVE = "gave"
    RETURNED = "returned"
    GRANTED = "granted"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    SPONSORED = "sponsored"
    PARTED = "parted"
    LENDS = "lends"
    ENDED = "ended"
    KIN = "kin"
    UNKIN = "unkin"
    SHOWN = "shown"


BUSY = frozenset(
    {
        ObservationKind.BILL,
        ObservationKind.SOLD,
        ObservationKind.GAVE,
        ObservationKind.RETURNED,
        ObservationKind.SHOWN,
    }
)
"""Frequent kinds: rules see the newest `BUSY_MAX` of them in a journal."""
BUSY_MAX = 64


class Trace(NamedTuple):
    """One line of the journal of an entity. `at` is its time, `on` the day that it counts for.

    `stream` is that of the event: a settlement, binding or link. `amount_fen` was moved,
    `limit_fen` was available or allowed. `word` is the kind of institution, relation or ending.
    """

    entity: StreamId
    position: int
    what: ObservationKind
    at: datetime
    on: date
    stream: StreamId
    place: StreamId | None = None
    parties: tuple[StreamId, ...] = ()
    amount_fen: int = 0
    limit_fen: int | None = None
    word: str = ""
    is_exact: bool = False


def traces(recorded: RecordedEvent, kind: str, owner: StreamId | None) -> Iterator[Trace]:
    """The traces of an event in all journals, in a fixed order.

    `kind` is that of a bill's institution as of this event; `owner` is the entity of the stream's
    first trace, None where it has none.
    """
    event = recorded.event
    if isinstance(event, settlement_events.Settled):
        yield from _settled(recorded, event, kind)
    elif not isinstance(event, FOLLOWING):
        yield from _binding_traces(recorded)
    elif owner is not None:
        yield _following(recorded, owner)


def owner_in(recorded: RecordedEvent) -> StreamId | None:
    """The entity of the first trace of a stream that this event begins; None for other events."""
    match recorded.event:
        case settlement_events.Settled(claim=claim):
            return claim.beneficiary
        case KinshipRecorded(person=person):
            return person
        case _:
            return None


def _settled(
    recorded: RecordedEvent, event: settlement_events.Settled, kind: str
) -> Iterator[Trace]:
    claim, paid_fen = event.claim, event.own_fen + event.aid_fen
    others = [s.account for s in event.payers if s.account and s.account != claim.beneficiary]
    bill = Trace(
        entity=claim.beneficiary,
        position=recorded.position,
        what=ObservationKind.BILL,
        at=event.settled_at,
        on=claim.treated_at.astimezone(BEIJING).date(),
        stream=recorded.stream,
        place=claim.institution,
        parties=(claim.beneficiary, *others),
        amount_fen=paid_fen,
        word=kind,
        is_exact=_is_exact(event),
    )
    yield bill
    if kind == PHARMACY:
        yield bill._replace(entity=claim.institution, what=ObservationKind.SOLD)
    for share in event.payers:
        if share.binding is not None and share.account is not None and _paid_fen(share):
            yield bill._replace(
                entity=share.binding,
                what=ObservationKind.GAVE,
                parties=(share.account, claim.beneficiary),
                amount_fen=_paid_fen(share),
                limit_fen=share.available_fen,
            )


def _paid_fen(share: settlement_events.PayerShare) -> int:
    return share.current_fen + share.prior_fen


def _is_exact(event: settlement_events.Settled) -> bool:
    """Whether the bill equals, to the fen, what all its payers had together."""
    paid_fen = event.own_fen + event.aid_fen
    available_fen = sum(share.available_fen for share in event.payers)
    return event.cash_fen == 0 and paid_fen == available_fen > 0


def _following(recorded: RecordedEvent, owner: StreamId) -> Trace:
    if isinstance(recorded.event, KinshipEnded):
        return _trace(
            recorded, ObservationKind.UNKIN, entity=owner, parties=(recorded.event.relative,)
        )
    return _trace(recorded, ObservationKind.RETURNED, entity=owner)


def _binding_traces(recorded: RecordedEvent) -> Iterator[Trace]:
    event = recorded.event
    match event:
        case binding_events.InvitationSent(caps=caps) | binding_events.GrantChanged(caps=caps):
            yield _trace(recorded, ObservationKind.GRANTED, limit_fen=caps.per_settlement_fen)
        case binding_events.BindingConfirmed(confirmed_at=at):
            yield _trace(recorded, ObservationKind.CONFIRMED)._replace(at=at)
        case binding_events.BindingReleased(status=status):
            yield _trace(recorded, ObservationKind.RELEASED, word=status)
        case account_events.SponsorLinked(binding=binding, sponsor=sponsor):
            yield _trace(recorded, ObservationKind.SPONSORED, stream=binding, parties=(sponsor,))
        case account_events.SponsorUnlinked(binding=binding):
            yield _trace(recorded, ObservationKind.PARTED, stream=binding)
        case account_events.BeneficiaryLinked(binding=binding, beneficiary=beneficiary):
            yield _trace(recorded, ObservationKind.LENDS, stream=binding, parties=(beneficiary,))
        case _:
            yield from _person_traces(recorded)


def _person_traces(recorded: RecordedEvent) -> Iterator[Trace]:
    event = recorded.event
    match event:
        case account_events.AccountClosed(ending=ending, effective_on=effective_on):
            yield _trace(recorded, ObservationKind.ENDED, word=ending)._replace(on=effective_on)
        case KinshipRecorded(person=person, relative=relative, relation=relation):
            yield _trace(
                recorded, ObservationKind.KIN, entity=person, parties=(relative,), word=relation
            )
        case CodeShown(guardian=guardian, member=member, shown_at=at):
            yield _trace(recorded, ObservationKind.SHOWN, parties=(guardian, member))._replace(
                at=at
            )
        case _:
            pass


def _trace(  # noqa: PLR0913 -- the parts that differ
    recorded: RecordedEvent,
    what: ObservationKind,
    *,
    entity: StreamId | None = None,
    stream: StreamId | None = None,
    parties: tuple[StreamId, ...] = (),
    limit_fen: int | None = None,
    word: str = "",
) -> Trace:
    at = datetime.fromtimestamp(recorded.recorded_at // 1_000_000, UTC)
    return Trace(
        entity=entity or recorded.stream,
        position=recorded.position,
        what=what,
        at=at,
        on=at.astimezone(BEIJING).date(),
        stream=stream or recorded.stream,
        parties=parties,
        limit_fen=limit_fen,
        word=word,
    )
