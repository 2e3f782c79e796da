"""The stored names of events, written by hand: renaming a class changes nothing on disk."""

from aggregates import credential_link as link
from aggregates import institution, visit
from aggregates.account import correction
from aggregates.account import fold as account
from aggregates.account.correction import CorrectionApproved, CorrectionProposed, CorrectionRejected
from aggregates.account.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    AidReceived,
    AidReturned,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    FilingMade,
    Held,
    HoldReleased,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationReceived,
    OrderChanged,
    PersonErased,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SponsorLinked,
    SponsorUnlinked,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.account.state import Account
from aggregates.binding import binding, kinship
from aggregates.binding.events import (
    BindingConfirmed,
    BindingReleased,
    GrantChanged,
    InvitationDeclined,
    InvitationSent,
    StrangerInvited,
)
from aggregates.binding.kinship import KinshipConfirmed, KinshipEnded, KinshipRecorded
from aggregates.credential_link import (
    CodeShown,
    CredentialLinkActivated,
    CredentialLinkClosed,
    CredentialLinkConfirmed,
    CredentialLinkOpened,
    CredentialLinkRequested,
    CredentialLinkReviewed,
)
from aggregates.institution import (
    AccountsCleared,
    ClearingRequested,
    ClearingWithdrawn,
    InstitutionDesignated,
)
from aggregates.policy import rulebook
from aggregates.policy.rulebook import EditionPublished
from aggregates.premium import premium
from aggregates.premium.premium import (
    PremiumConfirmed,
    PremiumHeld,
    PremiumOutcomeUnknown,
    PremiumRejected,
    PremiumReversalRefused,
    PremiumReversalRequested,
    PremiumReversed,
    PremiumSentToTax,
)
from aggregates.proof import Fork, ForkAccepted
from aggregates.settlement import hold, settlement
from aggregates.settlement.events import (
    PartRefunded,
    RecoveryDue,
    Settled,
    SettlementCancelled,
    SettlementRefused,
    SettlementReversed,
)
from aggregates.settlement.hold import ClaimHeld, HoldCaptured, HoldEnded
from aggregates.visit import (
    FeesUploaded,
    FeesWithdrawn,
    VisitClosed,
    VisitDescribed,
    VisitRegistered,
    VisitReopened,
)

Event = (
    account.AccountEvent
    | binding.BindingEvent
    | settlement.SettlementEvent
    | hold.HoldEvent
    | correction.CorrectionEvent
    | premium.PremiumEvent
    | kinship.KinshipEvent
    | link.LinkEvent
    | visit.VisitEvent
    | institution.InstitutionEvent
    | EditionPublished
    | ForkAccepted
)

State = (
    Account
    | binding.Binding
    | settlement.Settlement
    | hold.Hold
    | correction.Correction
    | premium.Premium
    | institution.Institution
    | kinship.Kinship
    | link.Link
    | rulebook.Rulebook
    | Fork
    | visit.Visit
)

TOPICS: dict[type[Event], str] = {
    AccountOpened: "account.opened/1",
    Credited: "account.credited/1",
    Debited: "account.debited/1",
    DebitReturned: "account.debit-returned/1",
    AidReceived: "account.aid-received/1",
    AidReturned: "account.aid-returned/1",
    OrderChanged: "account.order-changed/1",
    InvitationReceived: "account.invitation-received/1",
    SponsorLinked: "account.sponsor-linked/1",
    SponsorUnlinked: "account.sponsor-unlinked/1",
    BeneficiaryLinked: "account.beneficiary-linked/1",
    BeneficiaryUnlinked: "account.beneficiary-unlinked/1",
    AccountFrozen: "account.frozen/1",
    AccountUnfrozen: "account.unfrozen/1",
    InsuranceSuspended: "account.insurance-suspended/1",
    InsuranceResumed: "account.insurance-resumed/1",
    AccountClosed: "account.closed/1",
    PersonErased: "account.person-erased/1",
    FilingMade: "account.filing-made/1",
    YearClosed: "account.year-closed/1",
    Held: "account.held/1",
    HoldReleased: "account.hold-released/1",
    ReturnSuspended: "account.return-suspended/1",
    SuspensePaidOut: "account.suspense-paid-out/1",
    Corrected: "account.corrected/1",
    PremiumDebited: "account.premium-debited/1",
    PremiumReturned: "account.premium-returned/1",
    InvitationSent: "binding.invitation-sent/1",
    StrangerInvited: "binding.stranger-invited/1",
    BindingConfirmed: "binding.confirmed/1",
    InvitationDeclined: "binding.invitation-declined/1",
    GrantChanged: "binding.grant-changed/1",
    BindingReleased: "binding.released/1",
    Settled: "settlement.settled/1",
    SettlementRefused: "settlement.refused/1",
    SettlementCancelled: "settlement.cancelled/1",
    PartRefunded: "settlement.part-refunded/1",
    SettlementReversed: "settlement.reversed/1",
    RecoveryDue: "settlement.recovery-due/1",
    ClaimHeld: "hold.placed/1",
    HoldCaptured: "hold.captured/1",
    HoldEnded: "hold.ended/1",
    CorrectionProposed: "correction.proposed/1",
    CorrectionApproved: "correction.approved/1",
    CorrectionRejected: "correction.rejected/1",
    PremiumHeld: "premium.held/1",
    PremiumSentToTax: "premium.sent-to-tax/1",
    PremiumOutcomeUnknown: "premium.outcome-unknown/1",
    PremiumConfirmed: "premium.confirmed/1",
    PremiumRejected: "premium.rejected/1",
    PremiumReversalRequested: "premium.reversal-requested/1",
    PremiumReversalRefused: "premium.reversal-refused/1",
    PremiumReversed: "premium.reversed/1",
    KinshipRecorded: "kinship.recorded/1",
    KinshipEnded: "kinship.ended/1",
    KinshipConfirmed: "kinship.confirmed/1",
    InstitutionDesignated: "institution.designated/1",
    AccountsCleared: "institution.cleared/1",
    ClearingRequested: "institution.clearing-requested/1",
    ClearingWithdrawn: "institution.clearing-withdrawn/1",
    EditionPublished: "policy.edition-published/1",
    ForkAccepted: "ledger.fork-accepted/1",
    VisitRegistered: "visit.registered/1",
    VisitDescribed: "visit.described/1",
    FeesUploaded: "visit.fees-uploaded/1",
    FeesWithdrawn: "visit.fees-withdrawn/1",
    VisitClosed: "visit.closed/1",
    VisitReopened: "visit.reopened/1",
    CredentialLinkOpened: "link.opened/1",
    CredentialLinkRequested: "link.requested/1",
    CredentialLinkConfirmed: "link.confirmed/1",
    CredentialLinkReviewed: "link.reviewed/1",
    CredentialLinkActivated: "link.activated/1",
    CodeShown: "link.code-shown/1",
    CredentialLinkClosed: "link.closed/1",
}

CLASSES: dict[str, type[Event]] = {topic: event for event, topic in TOPICS.items()}
