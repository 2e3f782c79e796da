"""What events leave behind for the auditors' rules: short traces, each in somebody's journal.

A journal belongs to an account, a binding, a credential link or a pharmacy. A trace keeps what
a rule in `signal_rules.py` asks for and nothing of a person but account ids.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import NamedTuple

from aggregates.account.events import (
    AccountClosed,
    BeneficiaryLinked,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    GrantChanged,
    InvitationSent,
    StrangerInvited,
)
from aggregates.binding.kinship import KinshipEnded, KinshipRecorded
from aggregates.credential_link.events import CodeShown
from aggregates.settlement.events import (
    PartRefunded,
    PayerShare,
    Settled,
    SettlementCancelled,
    SettlementReversed,
)
from aggregates.topics import Event
from aggregates.vocabulary import BEIJING, InstitutionKind, StreamId
from projections.kit.recorded_event import RecordedEvent

PHARMACY = InstitutionKind.PHARMACY.value
RETURNS = (SettlementCancelled, PartRefunded, SettlementReversed)
TRACED: tuple[type[Event], ...] = (
    Settled,
    *RETURNS,
    InvitationSent,
    StrangerInvited,
    GrantChanged,
    BindingConfirmed,
    BindingReleased,
    SponsorLinked,
    SponsorUnlinked,
    BeneficiaryLinked,
    AccountClosed,
    KinshipRecorded,
    KinshipEnded,
    CodeShown,
)
FOLLOWING = (*RETURNS, KinshipEnded)
"""Events that do not say whose journal they belong to: their stream's first trace does."""


class ObservationKind(StrEnum):
    """What a trace tells."""

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
"""What happens day by day: of these a journal keeps the newest `BUSY_MAX` in sight."""
BUSY_MAX = 64


class Trace(NamedTuple):
    """One line of a journal. `at` is when it happened; `on` the day that counts for it.

    `stream` is whose event it was: a settlement, binding, link. `amount_fen` moved, `limit_fen`
    is what could have, or was allowed to. `word` is the kind of institution, relation or end.
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


def traces(fact: RecordedEvent, kind: str, owner: StreamId | None) -> Iterator[Trace]:
    """What an event leaves in whose journals, in a fixed order.

    `kind` is that of a bill's institution as of this event; `owner` is whose journal the
    stream's first trace is in, None where it has none.
    """
    event = fact.event
    if isinstance(event, Settled):
        yield from _settled(fact, event, kind)
    elif not isinstance(event, FOLLOWING):
        yield from _tied(fact)
    elif owner is not None:
        yield _following(fact, owner)


def owner_in(fact: RecordedEvent) -> StreamId | None:
    """Whose journal an event begins for its stream, if it does."""
    match fact.event:
        case Settled(claim=claim):
            return claim.beneficiary
        case KinshipRecorded(person=person):
            return person
        case _:
            return None


def _settled(fact: RecordedEvent, event: Settled, kind: str) -> Iterator[Trace]:
    claim, paid_fen = event.claim, event.own_fen + event.aid_fen
    others = [s.account for s in event.payers if s.account and s.account != claim.beneficiary]
    bill = Trace(
        entity=claim.beneficiary,
        position=fact.position,
        what=ObservationKind.BILL,
        at=event.settled_at,
        on=claim.treated_at.astimezone(BEIJING).date(),
        stream=fact.stream,
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
        if share.binding is not None and share.account is not None and _gave(share):
            yield bill._replace(
                entity=share.binding,
                what=ObservationKind.GAVE,
                parties=(share.account, claim.beneficiary),
                amount_fen=_gave(share),
                limit_fen=share.available_fen,
            )


def _gave(share: PayerShare) -> int:
    return share.current_fen + share.prior_fen


def _is_exact(event: Settled) -> bool:
    """Whether the bill is to the fen what all its payers had together."""
    paid_fen = event.own_fen + event.aid_fen
    had_fen = sum(share.available_fen for share in event.payers)
    return event.cash_fen == 0 and paid_fen == had_fen > 0


def _following(fact: RecordedEvent, owner: StreamId) -> Trace:
    if isinstance(fact.event, KinshipEnded):
        return _trace(fact, ObservationKind.UNKIN, entity=owner, parties=(fact.event.relative,))
    return _trace(fact, ObservationKind.RETURNED, entity=owner)


def _tied(fact: RecordedEvent) -> Iterator[Trace]:
    event = fact.event
    match event:
        case InvitationSent(caps=caps) | GrantChanged(caps=caps):
            yield _trace(fact, ObservationKind.GRANTED, limit_fen=caps.per_settlement_fen)
        case BindingConfirmed(confirmed_at=at):
            yield _trace(fact, ObservationKind.CONFIRMED)._replace(at=at)
        case BindingReleased(status=status):
            yield _trace(fact, ObservationKind.RELEASED, word=status)
        case SponsorLinked(binding=binding, sponsor=sponsor):
            yield _trace(fact, ObservationKind.SPONSORED, stream=binding, parties=(sponsor,))
        case SponsorUnlinked(binding=binding):
            yield _trace(fact, ObservationKind.PARTED, stream=binding)
        case BeneficiaryLinked(binding=binding, beneficiary=beneficiary):
            yield _trace(fact, ObservationKind.LENDS, stream=binding, parties=(beneficiary,))
        case _:
            yield from _known(fact)


def _known(fact: RecordedEvent) -> Iterator[Trace]:
    event = fact.event
    match event:
        case AccountClosed(ending=ending, effective_on=effective_on):
            yield _trace(fact, ObservationKind.ENDED, word=ending)._replace(on=effective_on)
        case KinshipRecorded(person=person, relative=relative, relation=relation):
            yield _trace(
                fact, ObservationKind.KIN, entity=person, parties=(relative,), word=relation
            )
        case CodeShown(guardian=guardian, member=member, shown_at=at):
            yield _trace(fact, ObservationKind.SHOWN, parties=(guardian, member))._replace(at=at)
        case _:
            pass


def _trace(  # noqa: PLR0913 -- the parts that differ
    fact: RecordedEvent,
    what: ObservationKind,
    *,
    entity: StreamId | None = None,
    stream: StreamId | None = None,
    parties: tuple[StreamId, ...] = (),
    limit_fen: int | None = None,
    word: str = "",
) -> Trace:
    at = datetime.fromtimestamp(fact.recorded_at // 1_000_000, UTC)
    return Trace(
        entity=entity or fact.stream,
        position=fact.position,
        what=what,
        at=at,
        on=at.astimezone(BEIJING).date(),
        stream=stream or fact.stream,
        parties=parties,
        limit_fen=limit_fen,
        word=word,
    )
