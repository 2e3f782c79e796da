"""The stored names of events, written by hand: renaming a class changes nothing on disk."""

from aggregates import institution, proof, visit
from aggregates.account import correction
from aggregates.account import events as account_events
from aggregates.account import fold as account
from aggregates.account.state import Account
from aggregates.binding import binding, kinship
from aggregates.binding import events as binding_events
from aggregates.credential_link import events as link_events
from aggregates.credential_link import link
from aggregates.policy import rulebook
from aggregates.pool import events as pool_events
from aggregates.pool import pool
from aggregates.premium import premium
from aggregates.settlement import events as settlement_events
from aggregates.settlement import hold, settlement

Event = (
    account.AccountEvent
    | binding.BindingEvent
    | settlement.SettlementEvent
    | hold.HoldEvent
    | correction.CorrectionEvent
    | premium.PremiumEvent
    | kinship.KinshipEvent
    | link_events.LinkEvent
    | visit.VisitEvent
    | institution.InstitutionEvent
    | rulebook.EditionPublished
    | proof.ForkAccepted
    | pool.PoolEvent
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
    | proof.Fork
    | visit.Visit
    | pool.Pool
)

TOPICS: dict[type[Event], str] = {
    account_events.AccountOpened: "account.opened/1",
    account_events.Credited: "account.credited/1",
    account_events.Debited: "account.debited/1",
    account_events.DebitReturned: "account.debit-returned/1",
    account_events.AidReceived: "account.aid-received/1",
    account_events.AidReturned: "account.aid-returned/1",
    account_events.OrderChanged: "account.order-changed/1",
    account_events.InvitationReceived: "account.invitation-received/1",
    account_events.SponsorLinked: "account.sponsor-linked/1",
    account_events.SponsorUnlinked: "account.sponsor-unlinked/1",
    account_events.BeneficiaryLinked: "account.beneficiary-linked/1",
    account_events.BeneficiaryUnlinked: "account.beneficiary-unlinked/1",
    account_events.BalanceOpened: "account.balance-opened/1",
    account_events.AuthoriserCodeShown: "account.code-shown/1",
    account_events.QuotaBegun: "account.quota-begun/1",
    account_events.AccountFrozen: "account.frozen/1",
    account_events.AccountUnfrozen: "account.unfrozen/1",
    account_events.InsuranceSuspended: "account.insurance-suspended/1",
    account_events.InsuranceResumed: "account.insurance-resumed/1",
    account_events.AccountClosed: "account.closed/1",
    account_events.PersonErased: "account.person-erased/1",
    account_events.FilingMade: "account.filing-made/1",
    account_events.FlagsChanged: "account.flags-changed/1",
    account_events.ChronicDiseaseFiled: "account.chronic-disease-filed/1",
    account_events.ChronicDiseaseReviewed: "account.chronic-disease-reviewed/1",
    account_events.ChronicFilingWithdrawn: "account.chronic-filing-withdrawn/1",
    account_events.YearClosed: "account.year-closed/1",
    account_events.InsuranceYearMoved: "account.year-moved/1",
    account_events.Held: "account.held/1",
    account_events.HoldReleased: "account.hold-released/1",
    account_events.ReturnSuspended: "account.return-suspended/1",
    account_events.SuspensePaidOut: "account.suspense-paid-out/1",
    account_events.Corrected: "account.corrected/1",
    account_events.PremiumDebited: "account.premium-debited/1",
    account_events.PremiumReturned: "account.premium-returned/1",
    account_events.CredentialAdded: "account.credential-added/1",
    account_events.CredentialWithdrawn: "account.credential-withdrawn/1",
    binding_events.InvitationSent: "binding.invitation-sent/1",
    binding_events.StrangerInvited: "binding.stranger-invited/1",
    binding_events.DocumentReviewed: "binding.document-reviewed/1",
    binding_events.BindingConfirmed: "binding.confirmed/1",
    binding_events.InvitationDeclined: "binding.invitation-declined/1",
    binding_events.GrantChanged: "binding.grant-changed/1",
    binding_events.BindingReleased: "binding.released/1",
    settlement_events.Settled: "settlement.settled/1",
    settlement_events.SettlementRefused: "settlement.refused/1",
    settlement_events.SettlementCancelled: "settlement.cancelled/1",
    settlement_events.PartRefunded: "settlement.part-refunded/1",
    settlement_events.SettlementReversed: "settlement.reversed/1",
    settlement_events.RecoveryDue: "settlement.recovery-due/1",
    hold.ClaimHeld: "hold.placed/1",
    hold.HoldCaptured: "hold.captured/1",
    hold.HoldEnded: "hold.ended/1",
    correction.CorrectionProposed: "correction.proposed/1",
    correction.CorrectionApproved: "correction.approved/1",
    correction.CorrectionRejected: "correction.rejected/1",
    premium.PremiumHeld: "premium.held/1",
    premium.PremiumSentToTax: "premium.sent-to-tax/1",
    premium.PremiumOutcomeUnknown: "premium.outcome-unknown/1",
    premium.PremiumConfirmed: "premium.confirmed/1",
    premium.PremiumRejected: "premium.rejected/1",
    premium.PremiumReversalRequested: "premium.reversal-requested/1",
    premium.PremiumReversalRefused: "premium.reversal-refused/1",
    premium.PremiumReversed: "premium.reversed/1",
    kinship.KinshipRecorded: "kinship.recorded/1",
    kinship.KinshipEnded: "kinship.ended/1",
    kinship.KinshipConfirmed: "kinship.confirmed/1",
    institution.InstitutionDesignated: "institution.designated/1",
    institution.AccountsCleared: "institution.cleared/1",
    institution.ClearingRequested: "institution.clearing-requested/1",
    institution.ClearingWithdrawn: "institution.clearing-withdrawn/1",
    rulebook.EditionPublished: "policy.edition-published/1",
    proof.ForkAccepted: "ledger.fork-accepted/1",
    visit.VisitRegistered: "visit.registered/1",
    visit.VisitDescribed: "visit.described/1",
    visit.FeesUploaded: "visit.fees-uploaded/1",
    visit.FeesWithdrawn: "visit.fees-withdrawn/1",
    visit.VisitClosed: "visit.closed/1",
    visit.VisitReopened: "visit.reopened/1",
    visit.SettlementListUploaded: "visit.settlement-list-uploaded/1",
    link_events.CredentialLinkOpened: "link.opened/1",
    link_events.CredentialLinkRequested: "link.requested/1",
    link_events.CredentialLinkConfirmed: "link.confirmed/1",
    link_events.CredentialLinkReviewed: "link.reviewed/1",
    link_events.CredentialLinkActivated: "link.activated/1",
    link_events.CodeShown: "link.code-shown/1",
    link_events.CredentialLinkClosed: "link.closed/1",
    account_events.FamilyPoolOpened: "account.family-pool-opened/1",
    account_events.MovedToPool: "account.moved-to-pool/1",
    account_events.MovedFromPool: "account.moved-from-pool/1",
    pool_events.PoolOpened: "pool.opened/1",
    pool_events.PoolFunded: "pool.funded/1",
    pool_events.PoolDebited: "pool.debited/1",
    pool_events.PoolReturned: "pool.returned/1",
    pool_events.PoolHeld: "pool.held/1",
    pool_events.PoolHoldReleased: "pool.hold-released/1",
    pool_events.PoolPremiumDebited: "pool.premium-debited/1",
    pool_events.PoolPremiumReturned: "pool.premium-returned/1",
    pool_events.PoolEmptied: "pool.emptied/1",
}

CLASSES: dict[str, type[Event]] = {topic: event for event, topic in TOPICS.items()}

LATER_MEMBERS: dict[str, object] = {
    "insured_place": "",
    "place_code": "",
    "hospital_level": "",
    "proven_by": "",
    "reading": 0,
    "tier": None,
    "shown_at_counter": "",
    "review_until": None,
    "rank": None,
    "use_aid": True,
    "from_pool": None,
    "premium_pool": None,
    "by_name": (),
    "quota_fen": None,
    "authoriser_code": None,
    "nulls": False,
    "acct_used_flag": "national",
    "insurance_year_from": "01-01",
    "check_kind": None,
    "check_digest": None,
}
"""Members that events got after their topic, and their defaults.

Each name is used in one event class or value, never as its first member. At its default a member
is not stored, so that an event of an earlier release keeps its bytes.
"""
