"""Made-up families, as the facts a log would hold of them; the same number is the same family."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from aggregates.account.events import (
    AccountOpened,
    AidReceived,
    AidReturned,
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    OrderChanged,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
)
from aggregates.credential_link.events import (
    CodeShown,
    CredentialLinkClosed,
    CredentialLinkConfirmed,
    CredentialLinkOpened,
    CredentialLinkRequested,
)
from aggregates.event_metadata import Act
from aggregates.settlement.events import (
    Claim,
    PartRefunded,
    Settled,
    SettlementCancelled,
    SettlementRefused,
    SettlementReversed,
)
from aggregates.topics import Event
from aggregates.vocabulary import (
    BindingStatus,
    Bucket,
    Insurance,
    InsuranceStatus,
    KinshipEvidence,
    LinkEvidence,
    LinkStatus,
    Relation,
    StreamId,
    Use,
)
from service.ledger.codec import EventRow, Recorded, encode, encode_act
from tests.projections.recorded_premiums import a_premium

NOBODY = Act(actor="test", on_behalf_of=None, channel="test", key_digest="")
BEGAN_AT = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
TODAY = date(2026, 3, 2)
BEGAN_US = int(BEGAN_AT.timestamp()) * 1_000_000
REGIONS = ("990000", "542500", "350000")


def an_id(prefix: str, number: int) -> StreamId:
    kind = ("acc", "bnd", "stl", "ins", "lnk", "prm", "vis", "cor").index(prefix)
    return StreamId(f"{prefix}_{kind:04x}{number:028x}")


INSTITUTION = an_id("ins", 7)


@dataclass(slots=True)
class Story:
    """Events in their order, each with its stream; versions count themselves."""

    told: list[tuple[StreamId, Event]] = field(default_factory=list)

    def tell(self, stream: StreamId, *events: Event) -> None:
        """Let something happen."""
        self.told += [(stream, event) for event in events]

    def facts(self) -> list[Recorded]:
        """Everything told, as recorded from position 1, a second apart."""
        versions: dict[StreamId, int] = {}
        facts: list[Recorded] = []
        for position, (stream, event) in enumerate(self.told, 1):
            versions[stream] = version = versions.get(stream, 0) + 1
            at = BEGAN_US + position * 1_000_000
            facts.append(Recorded(position, at, stream, version, NOBODY, event))
        return facts

    def rows(self) -> list[EventRow]:
        """Everything told, ready to be appended."""
        act = encode_act(NOBODY)
        return [encode(fact.stream, fact.version, fact.event, act) for fact in self.facts()]


def an_opening(region: str = "990000") -> AccountOpened:
    return AccountOpened(
        region=region,
        insurance=Insurance.EMPLOYEE,
        standing=InsuranceStatus.NORMAL,
        flags=(),
        on=TODAY,
        sealed="sealed",
    )


def an_invitation(
    sponsor: StreamId, beneficiary: StreamId, caps: Caps | None = None
) -> InvitationSent:
    return InvitationSent(
        sponsor=sponsor,
        beneficiary=beneficiary,
        relation=Relation.PARENT,
        uses=(Use.CARE, Use.PREMIUM),
        caps=caps or Caps(),
        valid_from=TODAY,
        valid_until=None,
        renews_months=None,
        evidence=KinshipEvidence.PROMISE,
        evidence_reference=None,
        parent=None,
        expires_at=BEGAN_AT + timedelta(hours=72),
        edition="P0@1",
        consent=None,
    )


def a_confirmation() -> BindingConfirmed:
    return BindingConfirmed(confirmed_at=BEGAN_AT, active_from=TODAY, edition="P0@1", consent=None)


def a_claim(
    beneficiary: StreamId, visit: str = "v1", total_fen: int = 9000, credential: str | None = None
) -> Claim:
    return Claim(
        beneficiary=beneficiary,
        institution=INSTITUTION,
        visit=visit,
        charge_batch="1",
        med_type="11",
        treated_at=BEGAN_AT,
        total_fen=total_fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=credential,
    )


def a_settlement(claim: Claim, own_fen: int = 0, aid_fen: int = 0) -> Settled:
    return Settled(
        claim=claim,
        place_region="990000",
        editions={},
        read={},
        payers=(),
        reasons=(),
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=claim.total_fen - own_fen - aid_fen,
        own_after_fen=None,
        changed=False,
        hold=None,
        settled_at=BEGAN_AT,
        on=TODAY,
    )


def a_part_refund(own_fen: int = 0, aid_fen: int = 0, cash_fen: int = 0) -> PartRefunded:
    return PartRefunded(
        reason="returned",
        amount_fen=own_fen + aid_fen + cash_fen,
        lines=None,
        payers=(),
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=cash_fen,
    )


def a_reversal() -> SettlementReversed:
    return SettlementReversed(institution=INSTITUTION, undone="undone")


def a_link(guardian: StreamId, member: StreamId) -> CredentialLinkOpened:
    return CredentialLinkOpened(
        guardian=guardian,
        member=member,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        evidence_reference="FACE-1",
        slot=1,
        opened_at=BEGAN_AT,
    )


def a_request(guardian: StreamId, member: StreamId) -> CredentialLinkRequested:
    return CredentialLinkRequested(
        guardian=guardian,
        member=member,
        relation=Relation.PARENT,
        evidence=LinkEvidence.FACE,
        evidence_reference="FACE-1",
        is_verified=False,
        status=LinkStatus.REQUESTED,
        slot=1,
        requested_at=BEGAN_AT,
    )


def a_yes(*, is_own: bool = True) -> CredentialLinkConfirmed:
    return CredentialLinkConfirmed(is_own=is_own, confirmed_at=BEGAN_AT)


def a_display(guardian: StreamId, member: StreamId, code: str) -> CodeShown:
    return CodeShown(
        guardian=guardian,
        member=member,
        code=code,
        shown_at=BEGAN_AT,
        expires_at=BEGAN_AT + timedelta(minutes=15),
    )


def families(numbers: Sequence[int]) -> Story:
    """Families with everything that can happen to one."""
    story = Story()
    for number in numbers:
        _bind(story, number)
        story.tell(an_id("prm", number), *a_premium(members(number), number))
        for bill in range(1 + number % 4):
            _pay(story, number, bill)
        if number % 8 == 5:
            _later(story, number)
    return story


def members(number: int) -> tuple[StreamId, StreamId, StreamId]:
    """A family's beneficiary, sponsor and binding."""
    return an_id("acc", 2 * number), an_id("acc", 2 * number + 1), an_id("bnd", number)


def _bind(story: Story, number: int) -> None:
    patient, sponsor, binding = members(number)
    story.tell(patient, an_opening(REGIONS[number % 3]))
    story.tell(sponsor, an_opening(REGIONS[number // 3 % 3]))
    for account in (patient, sponsor):
        for bucket in Bucket:
            story.tell(account, Credited(bucket=bucket, amount_fen=50_000, reference=None))
    story.tell(binding, an_invitation(sponsor, patient, Caps(per_day_fen=number)))
    link = an_id("lnk", number)
    begun = [a_request(sponsor, patient), a_yes()] if number % 2 else [a_link(sponsor, patient)]
    story.tell(link, *begun, a_display(sponsor, patient, f"code-{number}"))
    if number % 4 == 0:
        closed = CredentialLinkClosed(by=patient, reason="asked", closed_at=BEGAN_AT)
        story.tell(link, closed)
    if number % 7 == 0:
        story.tell(binding, InvitationDeclined())
        return
    story.tell(binding, a_confirmation())
    story.tell(patient, OrderChanged(bindings=(binding,)))
    if number % 3 == 0:
        caps = Caps(per_year_fen=number)
        story.tell(binding, GrantChanged(uses=(Use.CARE,), caps=caps, valid_until=TODAY))
    if number % 5 == 0:
        status = BindingStatus.RELEASED
        story.tell(binding, BindingReleased(status=status, reason="asked", last_on=TODAY))


def _pay(story: Story, number: int, bill: int) -> None:
    patient, sponsor, binding = members(number)
    settlement = an_id("stl", 16 * number + bill)
    code = f"code-{number}" if bill % 2 else None
    claim = a_claim(patient, visit=f"visit-{number}-{bill}", credential=code)
    if (number + bill) % 6 == 0:
        story.tell(settlement, SettlementRefused(claim=claim, code="DUPLICATE_CLAIM"))
        return
    own, aid = (number % 50 + 1, 2), (bill + 1, number % 90)
    for account, under, (current_fen, prior_fen) in ((patient, None, own), (sponsor, binding, aid)):
        debit = Debited(
            settlement=settlement,
            binding=under,
            current_fen=current_fen,
            prior_fen=prior_fen,
            on=TODAY,
        )
        story.tell(account, debit)
    aid_fen = sum(aid)
    story.tell(patient, AidReceived(settlement=settlement, amount_fen=aid_fen, on=TODAY))
    story.tell(settlement, a_settlement(claim, own_fen=sum(own), aid_fen=aid_fen))
    if (number + bill) % 5 == 0:
        story.tell(settlement, a_part_refund(cash_fen=100), a_part_refund(own_fen=1))
    if (number + bill) % 7 == 0:
        story.tell(settlement, a_reversal())
    if (number + bill) % 4 or (number + bill) % 7 == 0:
        return
    for account, under, (current_fen, prior_fen) in ((patient, None, own), (sponsor, binding, aid)):
        back = DebitReturned(
            settlement=settlement,
            binding=under,
            current_fen=current_fen,
            prior_fen=prior_fen,
            on=TODAY,
            returned_on=TODAY,
        )
        story.tell(account, back)
    story.tell(patient, AidReturned(settlement=settlement, amount_fen=aid_fen, on=TODAY))
    story.tell(settlement, SettlementCancelled(reason="wrong"))


def _later(story: Story, number: int) -> None:
    """What happens to money beside bills, and a tombstone."""
    patient, sponsor, binding = members(number)
    ticket, correction = f"tkt_{number:032x}", StreamId(f"cor_{number:032x}")
    story.tell(sponsor, YearClosed(year=TODAY.year, carried_fen=1))
    story.tell(patient, Corrected(correction=correction, bucket=Bucket.PRIOR, amount_fen=-number))
    kept = ReturnSuspended(
        payment=an_id("stl", 16 * number),
        binding=binding,
        ticket=ticket,
        amount_fen=number,
        on=TODAY,
        returned_on=TODAY,
    )
    story.tell(sponsor, kept, SuspensePaidOut(ticket=ticket, amount_fen=number, reference="R1"))
    story.tell(an_id("stl", 16 * number + 15), a_reversal())
