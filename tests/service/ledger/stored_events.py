"""One event of every topic, as `tests/samples/events` holds it in stored bytes.

A sample is the exact text of the day its topic was introduced. Add, never edit.
"""

from datetime import date, timedelta

from aggregates.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    AidReceived,
    AidReturned,
    AuthoriserCodeShown,
    BalanceOpened,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    ChronicDiseaseFiled,
    ChronicDiseaseReviewed,
    ChronicFilingWithdrawn,
    CredentialAdded,
    CredentialWithdrawn,
    Credited,
    Debited,
    DebitReturned,
    FilingMade,
    FlagsChanged,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    PersonErased,
    QuotaBegun,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    Caps,
    DocumentReviewed,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
    StrangerInvited,
)
from aggregates.binding.kinship import KinshipConfirmed, KinshipEnded, KinshipRecorded
from aggregates.credential_link.events import (
    CodeShown,
    CredentialLinkActivated,
    CredentialLinkClosed,
    CredentialLinkConfirmed,
    CredentialLinkOpened,
    CredentialLinkRequested,
    CredentialLinkReviewed,
)
from aggregates.institution import Dialect, InstitutionDesignated, Signature
from aggregates.policy.rulebook import EditionPublished
from aggregates.proof import ForkAccepted
from aggregates.settlement.events import (
    RecoveryDue,
    Settled,
    SettlementCancelled,
    SettlementRefused,
)
from aggregates.topics import Event
from aggregates.vocabulary import (
    BindingStatus,
    Bucket,
    CredentialType,
    Ending,
    ErasureReason,
    FilingKind,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    InsuranceStatus,
    KinshipEvidence,
    LinkEvidence,
    LinkStatus,
    MulaidMode,
    ParentSex,
    Parting,
    Reason,
    Relation,
    SignatureStyle,
    StatementWords,
    StreamId,
    Use,
)
from tests.service.ledger.stored_money_events import MONEY_EVENTS
from tests.service.ledger.stored_parts import (
    AT,
    BINDING,
    CDF,
    CLAIM,
    CODE,
    INS,
    ON,
    PATIENT,
    PAYERS,
    SPONSOR,
    STL,
)
from tests.service.ledger.stored_pool_events import POOL_EVENTS
from tests.service.ledger.stored_premium_events import PREMIUM_EVENTS
from tests.service.ledger.stored_visit_events import VISIT_EVENTS

ACCOUNT_EVENTS: dict[str, Event] = {
    "account.opened/1": AccountOpened(
        region="990000",
        insurance=Insurance.EMPLOYEE,
        standing=InsuranceStatus.RETIRED,
        flags=("PUBLIC_MEDICAL_CARE",),
        on=ON,
        sealed="c2VhbGVk",
    ),
    "account.person-erased/1": PersonErased(
        reason=ErasureReason.RETENTION_OVER, legal_basis="PIPL 47(1)(2)", on=ON
    ),
    "account.credited/1": Credited(bucket=Bucket.PRIOR, amount_fen=30000, reference="2026-03"),
    "account.debited/1": Debited(
        settlement=STL, binding=BINDING, current_fen=4000, prior_fen=25, on=ON
    ),
    "account.debit-returned/1": DebitReturned(
        settlement=STL,
        binding=None,
        current_fen=1500,
        prior_fen=500,
        on=ON,
        returned_on=date(2027, 1, 2),
    ),
    "account.aid-received/1": AidReceived(settlement=STL, amount_fen=4025, on=ON),
    "account.aid-returned/1": AidReturned(settlement=STL, amount_fen=4025, on=ON),
    "account.order-changed/1": OrderChanged(
        bindings=(BINDING, StreamId("bnd_00000000000000000000000000000007"))
    ),
    "account.invitation-received/1": InvitationReceived(binding=BINDING, sponsor=SPONSOR),
    "account.sponsor-linked/1": SponsorLinked(
        binding=BINDING,
        sponsor=SPONSOR,
        relation=Relation.GRANDCHILD_MATERNAL,
        parent=None,
        linked_at=AT,
    ),
    "account.sponsor-unlinked/1": SponsorUnlinked(binding=BINDING),
    "account.beneficiary-linked/1": BeneficiaryLinked(
        binding=BINDING, beneficiary=PATIENT, relation=Relation.PARENT, parent=ParentSex.MOTHER
    ),
    "account.balance-opened/1": BalanceOpened(year=2026),
    "account.code-shown/1": AuthoriserCodeShown(code=CODE, expires_at=AT),
    "account.quota-begun/1": QuotaBegun(binding=BINDING),
    "account.beneficiary-unlinked/1": BeneficiaryUnlinked(
        binding=BINDING, parting=Parting.RELEASED, on=ON
    ),
    "account.filing-made/1": FilingMade(
        place="330100", kind=FilingKind.LONG_TERM, from_on=ON, until_on=date(2027, 3, 1)
    ),
    "account.credential-added/1": CredentialAdded(
        kind=CredentialType.SOCIAL_CARD, sealed="c2VhbGVk", on=ON
    ),
    "account.credential-withdrawn/1": CredentialWithdrawn(
        kind=CredentialType.E_CREDENTIAL, sealed="c2VhbGVk", reason="挂失", on=ON
    ),
    "account.flags-changed/1": FlagsChanged(
        flags=("CHRONIC_DISEASE", "E_CREDENTIAL_ACTIVE"), reason="慢特病登记"
    ),
    "account.chronic-disease-filed/1": ChronicDiseaseFiled(
        filing=CDF,
        institution=INS,
        disease="M03900",
        name="高血压",
        begins_on=ON,
        ends_on=None,
    ),
    "account.chronic-disease-reviewed/1": ChronicDiseaseReviewed(
        filing=CDF, is_granted=True, reason="已核实"
    ),
    "account.chronic-filing-withdrawn/1": ChronicFilingWithdrawn(filing=CDF),
    "account.frozen/1": AccountFrozen(reason="法院冻结"),
    "account.unfrozen/1": AccountUnfrozen(reason="解除冻结"),
    "account.insurance-suspended/1": InsuranceSuspended(
        standing=InsuranceStatus.ARREARS, reason="欠费", effective_on=ON
    ),
    "account.insurance-resumed/1": InsuranceResumed(
        standing=InsuranceStatus.NORMAL, reason="补缴", effective_on=ON
    ),
    "account.closed/1": AccountClosed(
        ending=Ending.TRANSFERRED, reason="转出", effective_on=ON, successor=SPONSOR
    ),
}

OTHER_EVENTS: dict[str, Event] = {
    "binding.invitation-sent/1": InvitationSent(
        sponsor=SPONSOR,
        beneficiary=PATIENT,
        relation=Relation.CHILD,
        uses=(Use.CARE, Use.PREMIUM),
        caps=Caps(per_settlement_fen=20000, per_year_fen=800000),
        valid_from=ON,
        valid_until=date(2026, 12, 31),
        renews_months=12,
        evidence=KinshipEvidence.DOCUMENT,
        evidence_reference="HK-2026-0001",
        parent=ParentSex.FATHER,
        expires_at=AT + timedelta(hours=72),
        edition="p0/2020-01",
        consent="aid-2026-01",
    ),
    "binding.stranger-invited/1": StrangerInvited(
        sponsor=SPONSOR,
        beneficiary=PATIENT,
        relation=Relation.PARENT,
        uses=(Use.CARE,),
        caps=Caps(per_day_fen=20000),
        valid_from=ON,
        valid_until=None,
        renews_months=None,
        evidence=KinshipEvidence.PROMISE,
        evidence_reference=None,
        parent=None,
        expires_at=AT + timedelta(hours=72),
        edition="p0/2020-01",
        consent=None,
    ),
    "binding.document-reviewed/1": DocumentReviewed(
        is_approved=True,
        reason="户口簿属实",
        reviewed_at=AT,
        expires_at=AT + timedelta(hours=72),
    ),
    "binding.confirmed/1": BindingConfirmed(
        confirmed_at=AT, active_from=ON, edition="p0/2020-01", consent="aid-2026-01"
    ),
    "binding.invitation-declined/1": InvitationDeclined(),
    "binding.grant-changed/1": GrantChanged(
        uses=(Use.CARE,), caps=Caps(per_day_fen=500000, per_month_fen=1), valid_until=None
    ),
    "binding.released/1": BindingReleased(status=BindingStatus.RELEASED, reason="told", last_on=ON),
    "settlement.settled/1": Settled(
        claim=CLAIM,
        place_region="990000",
        editions={"beneficiary": "p0/2020-01", BINDING: "p0/2020-01"},
        read={PATIENT: 12, SPONSOR: 7},
        payers=PAYERS,
        reasons=(Reason.REGION_NOT_OPEN,),
        own_fen=2000,
        aid_fen=4000,
        cash_fen=425,
        own_after_fen=0,
        changed=True,
        hold=None,
        settled_at=AT,
        on=ON,
    ),
    "settlement.refused/1": SettlementRefused(claim=CLAIM, code="DUPLICATE_CLAIM"),
    "settlement.cancelled/1": SettlementCancelled(reason="退号"),
    "settlement.recovery-due/1": RecoveryDue(account=SPONSOR, amount_fen=6000, ended_on=ON),
    "kinship.recorded/1": KinshipRecorded(
        person=PATIENT, relative=SPONSOR, relation=Relation.PARENT_IN_LAW
    ),
    "kinship.ended/1": KinshipEnded(relative=SPONSOR),
    "kinship.confirmed/1": KinshipConfirmed(
        person=PATIENT, relative=SPONSOR, relation=Relation.PARENT, is_inverse=False
    ),
    "link.opened/1": CredentialLinkOpened(
        guardian=SPONSOR,
        member=PATIENT,
        relation=Relation.CHILD,
        evidence=LinkEvidence.BIRTH_CERTIFICATE,
        evidence_reference="Q110105001",
        slot=1,
        opened_at=AT,
    ),
    "link.requested/1": CredentialLinkRequested(
        guardian=SPONSOR,
        member=PATIENT,
        relation=Relation.CHILD,
        evidence=LinkEvidence.FACE,
        evidence_reference="F20260302",
        is_verified=True,
        status=LinkStatus.REQUESTED,
        slot=1,
        requested_at=AT,
    ),
    "link.confirmed/1": CredentialLinkConfirmed(is_own=True, confirmed_at=AT),
    "link.reviewed/1": CredentialLinkReviewed(
        is_approved=True, reason="出生证明属实", reviewed_at=AT
    ),
    "link.activated/1": CredentialLinkActivated(activated_at=AT),
    "link.code-shown/1": CodeShown(
        guardian=SPONSOR,
        member=PATIENT,
        code=CODE,
        shown_at=AT,
        expires_at=AT + timedelta(minutes=15),
    ),
    "link.closed/1": CredentialLinkClosed(by=PATIENT, reason="成年", closed_at=AT),
    "institution.designated/1": InstitutionDesignated(
        code="H99000000001",
        name="第一人民医院",
        kind=InstitutionKind.HOSPITAL,
        region="990000",
        status=InstitutionStatus.ACTIVE,
        opened_regions=("990100",),
        sensitive=True,
        dialect=Dialect(
            mulaid_mode=MulaidMode.BESIDE,
            fund_includes_acct=True,
            numbers=False,
            stmt_rslt=StatementWords.HUBEI,
        ),
        signature=Signature(style=SignatureStyle.X_TIF, paasid="hosp_paas"),
        sealed="c2VhbGVk",
    ),
    "policy.edition-published/1": EditionPublished(
        region="990000", edition="p0/2020-01", content='{"id":"p0/2020-01"}'
    ),
    "ledger.fork-accepted/1": ForkAccepted(
        text="the backup of Monday is all that is left",
        difference="a checkpoint was signed over 9 rows, and the log ends at 7",
        signed_size=9,
        signed_root="5a" * 32,
    ),
}

STORED: dict[str, Event] = {
    **ACCOUNT_EVENTS,
    **MONEY_EVENTS,
    **PREMIUM_EVENTS,
    **POOL_EVENTS,
    **OTHER_EVENTS,
    **VISIT_EVENTS,
}
"""The event that each sample decodes to, by topic."""
