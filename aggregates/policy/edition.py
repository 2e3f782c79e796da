"""One policy edition of a region, and which edition is in force on a day.

The fields are the keys of `service/regions/*.toml`, name for name; `None` is the file's "none".
Units are in the names: fen, hours, minutes, seconds, days, months.
"Clause" names the keys of policy.md §3.2 that a group comes from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from aggregates.policy import choices
from aggregates.vocabulary import (
    Bucket,
    Category,
    InstitutionKind,
    InsuranceStatus,
    KinshipEvidence,
    ParentSex,
    Part,
    Relation,
)


class NoEditionInForceError(LookupError):
    """No edition is in force on that day. There is no fallback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """Who pays before whom. Clause `order_*`, `max_payers_per_settlement`, `single_payer_*`.

    `order_then` orders the sponsors within each group of SAME_REGION_FIRST. Within
    `second_swipe_minutes` of a bill, the rest in cash may be paid by a second claim with aid. With
    `authoriser_code` a sponsor pays only on a bill that carries his code. With
    `order_asked_at_second_sponsor` the confirmation of a second sponsor names the order.
    """

    order_strategy: choices.OrderStrategy
    order_missing: choices.OrderMissing
    order_fallback: choices.OrderStrategy | None
    order_then: choices.OrderStrategy | None = None
    max_payers_per_settlement: int | None
    single_payer_shortfall: choices.SinglePayerShortfall
    tie_break: choices.TieBreak = choices.TieBreak.BINDING_ID
    second_swipe_minutes: int | None = None
    authoriser_code: choices.AuthoriserCode | None = None
    order_asked_at_second_sponsor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveBasis:
    """Where `reserve_fen` comes from: so many percent of the average wage of a year."""

    percent: int
    of_wageyear: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTerms:
    """Which money pays, and how much of it, in fen. Clause `*_buckets*`, `reserve_fen`, `cap_*`.

    A credit above `credit_four_eyes_above_fen` needs two clerks. Editions published before this
    key existed do not state it: they have no limit, and their canonical text has no such key.

    `insurance_year_from` is the "MM-DD" on which the year of buckets and yearly caps begins. With
    `resident_balance` a resident's account may hold money, used first. `sponsor_cap_scope` says
    whether a sponsor's own caps count each relative by himself or all together.
    """

    own_buckets_order: choices.OwnBuckets
    sponsor_buckets: choices.SponsorBuckets
    own_allocation: choices.OwnAllocation
    account_unused_means: choices.AccountUnused
    reserve_fen: int
    cap_per_settlement_fen: int | None
    cap_per_day_fen: int | None
    cap_per_month_fen: int | None
    cap_per_year_fen: int | None
    cap_scope: choices.CapScope
    cap_set_by: choices.CapSetBy
    cap_on_exceed: choices.CapOnExceed
    credit_four_eyes_above_fen: int | None = None
    insurance_year_from: str = "01-01"
    resident_balance: bool = False
    sponsor_cap_scope: choices.CapScope = choices.CapScope.PER_BINDING
    reserve_basis: ReserveBasis | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingTerms:
    """Who may be bound to whom, and for how long. Clause `activation` to `beneficiary_scope`.

    `activation_by_relation` goes before `activation`. `review_days` are working days within which
    an agency reviews a document; None means that a document is not reviewed. `min_bind_days`
    hold the side that `min_bind_holds` names.
    """

    activation: choices.Activation
    invite_ttl_hours: int
    kinship_evidence: tuple[KinshipEvidence, ...]
    relations_allowed: tuple[Relation, ...]
    relation_max: Mapping[Relation | ParentSex, int] = field(hash=False)
    max_beneficiaries_per_sponsor: int | None
    max_lifetime_distinct_beneficiaries: int | None
    max_sponsors_per_beneficiary: int | None
    allow_dual_role: bool
    excluded_persons: tuple[choices.PersonFlag, ...]
    binding_default_months: int | None
    binding_max_months: int | None
    renewal: choices.Renewal
    effective_delay: choices.EffectiveDelay
    unbind_effective: choices.UnbindEffective
    min_bind_days: int
    rebind_lock_days: int
    changes_per_year: int | None
    unbind_by: choices.UnbindBy
    sponsor_status_ok: tuple[InsuranceStatus, ...]
    beneficiary_status_ok: tuple[InsuranceStatus, ...]
    sponsor_suspended_usable: bool
    beneficiary_scope: choices.BeneficiaryScope
    activation_by_relation: Mapping[Relation, choices.Activation] = field(
        default_factory=dict, hash=False
    )
    suspension_ends_binding: bool = False
    excluded_sponsors: tuple[choices.PersonFlag, ...] = ()
    review_days: int | None = None
    rank_at_binding: bool = False
    credential_required: choices.CredentialRequired = choices.CredentialRequired.NONE
    both_credentials_active: bool = False
    min_bind_holds: choices.UnbindBy = choices.UnbindBy.EITHER


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRule:
    """One line of the place table. Clause `place_scope`, `filing_required`.

    `place` is same_region, same_province, a region code or "*"; `institution_class` is the
    file's `class`. A WHITELIST opens for the institution codes it lists, and there for the person
    classes it lists, or for everybody if it lists none.
    """

    place: str
    institution_class: InstitutionKind | Literal["*"]
    use: choices.PlaceUse
    filing: bool
    institutions: tuple[str, ...] = ()
    person_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTerms:
    """Where and for what care aid is open; the first rule that fits decides. Clause `place_scope`.

    `med_types_allowed` are prefixes of the national codes: 11 out-patient, 2 in-patient, 41
    pharmacy, …; `med_types_refused` are closed although they are allowed by prefix.
    `own_place_scope` says where the patient's own money may be used; empty means everywhere.
    Without `filing_at_home` a patient who is treated in the own pooling area needs no filing,
    also where the place is elsewhere for the sponsor.
    """

    place_scope: tuple[PlaceRule, ...]
    med_types_allowed: tuple[str, ...]
    sensitive_institution_classes: tuple[str, ...]
    med_types_refused: tuple[str, ...] = ()
    own_place_scope: tuple[PlaceRule, ...] = ()
    filing_at_home: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRule:
    """What one bucket of own money or of a sponsor's may pay, in place of the item rules.

    Without `parts`, `categories` or `med_types` the rule does not limit them.
    """

    bucket: Bucket
    whose: choices.Whose
    parts: tuple[Part, ...] = ()
    categories: tuple[Category, ...] = ()
    med_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTerms:
    """Whose money may pay a fee line; what is not listed is not payable. Clause `item_*_rule`.

    Without `aid_with_fund_pay` aid pays nothing on a bill that the pooled fund pays into.
    """

    item_category_rule: Mapping[Category, choices.PayableBy] = field(hash=False)
    item_part_rule: Mapping[Part, choices.PayableBy] = field(hash=False)
    bucket_rules: tuple[BucketRule, ...] = ()
    aid_with_fund_pay: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumWindow:
    """The days of the year, "MM-DD" in Beijing, first and last included; it may span New Year."""

    from_: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumTier:
    """The standard of a premium for payees of an age in years, both ends included, and a tier."""

    type: choices.PremiumType
    from_age: int
    to_age: int
    tier: str | None
    fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumTerms:
    """Premiums paid for a relative: fen per person and year, minutes. Clause `premium_*`.

    `premium_tiers` go before the standard of their type. `premium_reserve_fen` stays in the
    sponsor's account, and `premium_buckets` pay, for the types that they name.
    """

    premium_types: tuple[choices.PremiumType, ...]
    premium_standard_fen: Mapping[choices.PremiumType, int] = field(hash=False)
    premium_window: PremiumWindow
    premium_reverse_min_age_minutes: int
    premium_reverse_block: tuple[choices.PremiumReverseBlock, ...]
    premium_tiers: tuple[PremiumTier, ...] = ()
    premium_reserve_fen: Mapping[choices.PremiumType, int] = field(default_factory=dict, hash=False)
    premium_buckets: Mapping[choices.PremiumType, choices.SponsorBuckets] = field(
        default_factory=dict, hash=False
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolTerms:
    """How an owner moves money into the family's pool (家庭共济账户), amounts in fen.

    `floor_fen` stays in the owner's account; None is no least amount or no limit of transfers.
    """

    floor_fen: int
    min_transfer_fen: int | None
    transfers_per_month: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDays:
    """A refund window of so many days after the settlement's day."""

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundToEnded:
    """Where a refund to a closed or to a frozen account goes."""

    closed: choices.RefundTo
    frozen: choices.RefundTo


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """How, until when and where money is refunded. Clause `refund_*`."""

    refund_mode: tuple[choices.RefundMode, ...]
    refund_window: choices.RefundUntil | RefundDays
    refund_to_ended_account: RefundToEnded
    refund_bucket_after_rollover: choices.RefundBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """What a quote promises and for how many seconds. Clause `on_plan_change`, `quote_*`."""

    on_plan_change: choices.OnPlanChange
    quote_ttl_seconds: int
    hold_on_quote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyTerms:
    """Who sees what of whom. Clause `his_disclosure`, `sponsor_view_institution`."""

    his_disclosure: choices.HisDisclosure
    sponsor_view_institution: choices.SponsorView


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A region's rules from a day on, with the document they come from. Its id is never reused.

    `effective_until` (exclusive) is only what the file states, so that a later edition does not
    change the content of this one; without it an edition ends where the next begins.
    `evidence_of` pairs a key with a grade and source better or worse than the edition's. From
    `shadow_from` until the edition begins, settled bills are decided beside it and compared; no
    answer changes.
    """

    id: str
    region: str
    region_name: str
    effective_on: date
    effective_until: date | None = None
    source: str
    evidence: choices.EvidenceGrade
    evidence_of: tuple[tuple[str, str], ...] = ()
    money_model: choices.MoneyModel
    amount_semantics: choices.AmountSemantics
    order: OrderTerms
    money: MoneyTerms
    binding: BindingTerms
    place: PlaceTerms
    items: ItemTerms
    premium: PremiumTerms
    refund: RefundTerms
    quote: QuoteTerms
    privacy: PrivacyTerms
    pool: PoolTerms | None = None
    shadow_from: date | None = None


def in_shadow(editions: Sequence[Edition], on: date) -> Edition | None:
    """The edition that is decided beside the one in force on a Beijing day; the next to begin."""
    shadows = [e for e in editions if e.shadow_from and e.shadow_from <= on < e.effective_on]
    return min(shadows, key=lambda edition: edition.effective_on, default=None)


def in_force(editions: Sequence[Edition], on: date) -> Edition:
    """The edition of one region in force on a Beijing day: the latest that has begun.

    Raises:
        NoEditionInForceError: None has begun, or the latest has ended without a successor.
    """
    begun = [edition for edition in editions if edition.effective_on <= on]
    if not begun:
        raise NoEditionInForceError(f"no edition has begun on {on}")
    latest = max(begun, key=lambda edition: edition.effective_on)
    if latest.effective_until is not None and on >= latest.effective_until:
        raise NoEditionInForceError(f"{latest.id} ended on {latest.effective_until}")
    return latest
