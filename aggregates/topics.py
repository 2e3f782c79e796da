"""The stored names of events, written by hand: renaming a class changes nothing on disk."""

from aggregates import account, binding, institution, kinship, rulebook, settlement
from aggregates.events import (
    AccountClosed,
    AccountFrozen,
    AccountOpened,
    AccountUnfrozen,
    AidReceived,
    AidReturned,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    BindingConfirmed,
    BindingReleased,
    Credited,
    Debited,
    DebitReturned,
    FilingMade,
    GrantChanged,
    InsuranceResumed,
    InsuranceSuspended,
    InvitationDeclined,
    InvitationReceived,
    InvitationSent,
    OrderChanged,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.settlement_events import (
    EditionPublished,
    InstitutionDesignated,
    KinshipEnded,
    KinshipRecorded,
    RecoveryDue,
    Settled,
    SettlementCancelled,
    SettlementRefused,
)

Event = (
    account.AccountEvent
    | binding.BindingEvent
    | settlement.SettlementEvent
    | kinship.KinshipEvent
    | InstitutionDesignated
    | EditionPublished
)

State = (
    account.Account
    | binding.Binding
    | settlement.Settlement
    | institution.Institution
    | kinship.Kinship
    | rulebook.Rulebook
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
    FilingMade: "account.filing-made/1",
    InvitationSent: "binding.invitation-sent/1",
    BindingConfirmed: "binding.confirmed/1",
    InvitationDeclined: "binding.invitation-declined/1",
    GrantChanged: "binding.grant-changed/1",
    BindingReleased: "binding.released/1",
    Settled: "settlement.settled/1",
    SettlementRefused: "settlement.refused/1",
    SettlementCancelled: "settlement.cancelled/1",
    RecoveryDue: "settlement.recovery-due/1",
    KinshipRecorded: "kinship.recorded/1",
    KinshipEnded: "kinship.ended/1",
    InstitutionDesignated: "institution.designated/1",
    EditionPublished: "policy.edition-published/1",
}

CLASSES: dict[str, type[Event]] = {topic: event for event, topic in TOPICS.items()}
