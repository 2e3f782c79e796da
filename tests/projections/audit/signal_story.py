"""Small stories for the auditors' rules: bills, bindings and displays at moments of one's own."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from aggregates.account.events import (
    AccountClosed,
    BeneficiaryLinked,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.binding.events import BindingConfirmed, BindingReleased, Caps
from aggregates.binding.kinship import KinshipEnded, KinshipRecorded
from aggregates.credential_link.events import CodeShown
from aggregates.institution import Dialect, InstitutionDesignated
from aggregates.settlement.events import PayerShare, Settled, SettlementCancelled
from aggregates.topics import Event
from aggregates.vocabulary import (
    BEIJING,
    BindingStatus,
    Ending,
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    Relation,
    StatementWords,
    StreamId,
)
from projections.audit.evaluation import SignalState, evaluate, observe
from projections.audit.thresholds import Signal
from projections.kit.recorded_event import RecordedEvent
from service.ledger.codec import Recorded
from tests.projections.recorded_families import (
    NOBODY,
    a_claim,
    a_settlement,
    an_id,
    an_invitation,
    an_opening,
)

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=BEIJING)
SHOP, CLINIC = an_id("ins", 1), an_id("ins", 2)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def person(number: int) -> StreamId:
    return an_id("acc", number)


def bond(number: int) -> StreamId:
    return an_id("bnd", number)


@dataclass(slots=True)
class Plot:
    """Events in their order, each with its stream and the moment it is recorded."""

    told: list[tuple[StreamId, Event, datetime]] = field(default_factory=list)
    bills: int = 0

    def tell(self, stream: StreamId, event: Event, at: datetime = NOON) -> None:
        """Let something happen at a moment."""
        self.told.append((stream, event, at))

    def open_shops(self) -> "Plot":
        """A pharmacy and a hospital, and nobody's account yet."""
        for place, kind in ((SHOP, InstitutionKind.PHARMACY), (CLINIC, InstitutionKind.HOSPITAL)):
            self.tell(place, a_place(kind))
        return self

    def pay(  # noqa: PLR0913 -- each is what one rule is about
        self,
        patient: int,
        at: datetime = NOON,
        *,
        place: StreamId = SHOP,
        own: tuple[int, int] = (0, 0),
        aid: tuple[int, int, int] | None = None,
        cash_fen: int = 0,
        treated_at: datetime | None = None,
    ) -> StreamId:
        """Settle a bill: `own` and `aid` are (gave, available), before them the sponsor."""
        self.bills += 1
        settlement = an_id("stl", self.bills)
        shares = [a_share(person(patient), None, *own)]
        if aid is not None:
            sponsor, gave, had = aid
            shares.append(a_share(person(sponsor), bond(sponsor), gave, had))
        own_fen, aid_fen = own[0], aid[1] if aid else 0
        claim = a_claim(person(patient), f"v{self.bills}", own_fen + aid_fen + cash_fen)
        bill = a_settlement(claim, own_fen=own_fen, aid_fen=aid_fen)
        self.tell(settlement, _moved(bill, place, tuple(shares), at, treated_at or at), at)
        return settlement

    def give_back(self, settlement: StreamId, at: datetime) -> None:
        """Take a bill back whole."""
        self.tell(settlement, SettlementCancelled(reason="told"), at)

    def bind(
        self, sponsor: int, beneficiary: int, at: datetime, cap_fen: int | None = None
    ) -> None:
        """Offer and confirm a binding that has the sponsor's number."""
        caps = Caps(per_settlement_fen=cap_fen)
        self.tell(bond(sponsor), an_invitation(person(sponsor), person(beneficiary), caps), at)
        confirmed = BindingConfirmed(
            confirmed_at=at, active_from=at.date(), edition="P0@1", consent=None
        )
        self.tell(bond(sponsor), confirmed, at)

    def part(
        self, sponsor: int, at: datetime, status: BindingStatus = BindingStatus.RELEASED
    ) -> None:
        """End a binding."""
        self.tell(bond(sponsor), BindingReleased(status=status, reason="told", last_on=None), at)

    def facts(self) -> list[Recorded]:
        """Everything told, as recorded from position 1."""
        versions: dict[StreamId, int] = {}
        facts: list[Recorded] = []
        for position, (stream, event, at) in enumerate(self.told, 1):
            versions[stream] = version = versions.get(stream, 0) + 1
            at_us = int(at.timestamp()) * 1_000_000
            facts.append(Recorded(position, at_us, stream, version, NOBODY, event))
        return facts

    def found(self) -> list[Signal]:
        """What the rules find in it."""
        return found_in(self.facts())


def found_in(facts: Iterable[RecordedEvent]) -> list[Signal]:
    known = SignalState(homes={}, owners={}, months={}, journals={}, newest="")
    return evaluate(known, observe(known, facts))


def a_share(account: StreamId, binding: StreamId | None, gave: int, had: int) -> PayerShare:
    return PayerShare(
        account=account,
        binding=binding,
        available_fen=had,
        limit_fen=None,
        limit=None,
        current_fen=gave,
        prior_fen=0,
        reason=None,
    )


def a_place(kind: InstitutionKind) -> InstitutionDesignated:
    return InstitutionDesignated(
        code="X1",
        name="made up",
        kind=kind,
        region="990000",
        status=InstitutionStatus.ACTIVE,
        opened_regions=(),
        sensitive=False,
        dialect=Dialect(
            mulaid_mode=MulaidMode.CONTAINED,
            fund_includes_acct=False,
            numbers=True,
            stmt_rslt=StatementWords.NATIONAL,
        ),
        signature=None,
        sealed=None,
    )


def a_death(on: date) -> AccountClosed:
    return AccountClosed(ending=Ending.DECEASED, reason="told", effective_on=on, successor=None)


def a_tie(binding: int, sponsor: int) -> SponsorLinked:
    return SponsorLinked(
        binding=bond(binding),
        sponsor=person(sponsor),
        relation=Relation.CHILD,
        parent=None,
        linked_at=NOON,
    )


def a_parting(binding: int) -> SponsorUnlinked:
    return SponsorUnlinked(binding=bond(binding))


def a_loan(binding: int, beneficiary: int) -> BeneficiaryLinked:
    return BeneficiaryLinked(
        binding=bond(binding),
        beneficiary=person(beneficiary),
        relation=Relation.CHILD,
        parent=None,
    )


def a_kin(one: int, relative: int, relation: Relation) -> KinshipRecorded:
    return KinshipRecorded(person=person(one), relative=person(relative), relation=relation)


def no_kin(relative: int) -> KinshipEnded:
    return KinshipEnded(relative=person(relative))


def a_showing(at: datetime) -> CodeShown:
    return CodeShown(
        guardian=person(1),
        member=person(2),
        code=f"code-{at.isoformat()}",
        shown_at=at,
        expires_at=at + timedelta(minutes=15),
    )


def opened(*numbers: int) -> list[tuple[StreamId, Event, datetime]]:
    return [(person(number), an_opening(), NOON) for number in numbers]


def _moved(
    bill: Settled,
    place: StreamId,
    payers: tuple[PayerShare, ...],
    at: datetime,
    treated_at: datetime,
) -> Settled:
    claim = replace(bill.claim, institution=place, treated_at=treated_at.astimezone(UTC))
    on = at.astimezone(BEIJING).date()
    return replace(bill, claim=claim, payers=payers, settled_at=at.astimezone(UTC), on=on)
