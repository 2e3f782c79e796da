"""What a region may say: one policy edition, and which one is in force on a day.

The fields are the keys of `service/regions/*.toml`, name for name; `None` is the file's "none".
Units are in the names: fen, hours, minutes, seconds, days, months.
"Clause" names the keys of policy.md §3.2 that a group comes from.
"""


# ruff: noqa: I001 -- the words belong to this page; only its length keeps them beside it

from aggregates.policy.choices import AccountUnused
from aggregates.policy.choices import Activation
from aggregates.policy.choices import AmountSemantics
from aggregates.policy.choices import BeneficiaryScope
from aggregates.policy.choices import CapOnExceed
from aggregates.policy.choices import CapScope
from aggregates.policy.choices import CapSetBy
from aggregates.policy.choices import EffectiveDelay
from aggregates.policy.choices import EvidenceGrade
from aggregates.policy.choices import HisDisclosure
from aggregates.policy.choices import MoneyModel
from aggregates.policy.choices import OnPlanChange
from aggregates.policy.choices import OrderMissing
from aggregates.policy.choices import OrderStrategy
from aggregates.policy.choices import OwnAllocation
from aggregates.policy.choices import OwnBuckets
from aggregates.policy.choices import PayableBy
from aggregates.policy.choices import PersonFlag
from aggregates.policy.choices import PlaceUse
from aggregates.policy.choices import PremiumReverseBlock
from aggregates.policy.choices import PremiumType
from aggregates.policy.choices import RefundBucket
from aggregates.policy.choices import RefundMode
from aggregates.policy.choices import RefundTo
from aggregates.policy.choices import RefundUntil
from aggregates.policy.choices import Renewal
from aggregates.policy.choices import SinglePayerShortfall
from aggregates.policy.choices import SponsorBuckets
from aggregates.policy.choices import SponsorView
from aggregates.policy.choices import UnbindBy
from aggregates.policy.choices import UnbindEffective
from aggregates.vocabulary import Category
from aggregates.vocabulary import InstitutionKind
from aggregates.vocabulary import KinshipEvidence
from aggregates.vocabulary import ParentSex
from aggregates.vocabulary import Part
from aggregates.vocabulary import Relation
from aggregates.vocabulary import InsuranceStatus
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import date
from typing import Literal


class NoEditionInForceError(LookupError):
    """No edition is in force there on that day; rules are never guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """Who pays before whom. Clause `order_*`, `max_payers_per_settlement`, `single_payer_*`.

    `order_then` orders the sponsors within each group of SAME_REGION_FIRST.
    """

    order_strategy: OrderStrategy
    order_missing: OrderMissing
    order_fallback: OrderStrategy | None
    order_then: OrderStrategy | None = None
    max_payers_per_settlement: int | None
    single_payer_shortfall: SinglePayerShortfall


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyTerms:
    """Which money pays, and how much of it, in fen. Clause `*_buckets*`, `reserve_fen`, `cap_*`.

    A credit above `credit_four_eyes_above_fen` needs two of the agency. The key came later than
    the first editions: one that does not state it has no such limit, and its text has no such key.
    """

    own_buckets_order: OwnBuckets
    sponsor_buckets: SponsorBuckets
    own_allocation: OwnAllocation
    account_unused_means: AccountUnused
    reserve_fen: int
    cap_per_settlement_fen: int | None
    cap_per_day_fen: int | None
    cap_per_month_fen: int | None
    cap_per_year_fen: int | None
    cap_scope: CapScope
    cap_set_by: CapSetBy
    cap_on_exceed: CapOnExceed
    credit_four_eyes_above_fen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BindingTerms:
    """Who may be bound to whom, and for how long. Clause `activation` to `beneficiary_scope`."""

    activation: Activation
    invite_ttl_hours: int
    kinship_evidence: tuple[KinshipEvidence, ...]
    relations_allowed: tuple[Relation, ...]
    relation_max: Mapping[Relation | ParentSex, int] = field(hash=False)
    max_beneficiaries_per_sponsor: int | None
    max_lifetime_distinct_beneficiaries: int | None
    max_sponsors_per_beneficiary: int | None
    allow_dual_role: bool
    excluded_persons: tuple[PersonFlag, ...]
    binding_default_months: int | None
    binding_max_months: int | None
    renewal: Renewal
    effective_delay: EffectiveDelay
    unbind_effective: UnbindEffective
    min_bind_days: int
    rebind_lock_days: int
    changes_per_year: int | None
    unbind_by: UnbindBy
    sponsor_status_ok: tuple[InsuranceStatus, ...]
    beneficiary_status_ok: tuple[InsuranceStatus, ...]
    sponsor_suspended_usable: bool
    beneficiary_scope: BeneficiaryScope


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceRule:
    """One line of the place table. Clause `place_scope`, `filing_required`.

    `place` is same_region, same_province, a region code or "*"; `institution_class` is the
    file's `class`. A WHITELIST opens for the institution codes it lists, and there for the person
    classes it lists, or for everybody if it lists none.
    """

    place: str
    institution_class: InstitutionKind | Literal["*"]
    use: PlaceUse
    filing: bool
    institutions: tuple[str, ...] = ()
    person_classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceTerms:
    """Where and for what care aid is open; the first rule that fits decides. Clause `place_scope`.

    `med_types_allowed` are the national codes: 11 out-patient, 21 in-patient, 41 pharmacy, ….
    """

    place_scope: tuple[PlaceRule, ...]
    med_types_allowed: tuple[str, ...]
    sensitive_institution_classes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemTerms:
    """Whose money may pay a fee line; what is not listed is not payable. Clause `item_*_rule`."""

    item_category_rule: Mapping[Category, PayableBy] = field(hash=False)
    item_part_rule: Mapping[Part, PayableBy] = field(hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumWindow:
    """The days of the year, "MM-DD" in Beijing, first and last included; it may span New Year."""

    from_: str
    to: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PremiumTerms:
    """Premiums paid for a relative: fen per person and year, minutes. Clause `premium_*`."""

    premium_types: tuple[PremiumType, ...]
    premium_standard_fen: Mapping[PremiumType, int] = field(hash=False)
    premium_window: PremiumWindow
    premium_reverse_min_age_minutes: int
    premium_reverse_block: tuple[PremiumReverseBlock, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundDays:
    """A refund window of so many days after the settlement's day."""

    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundToEnded:
    """Where a refund to a closed or to a frozen account goes."""

    closed: RefundTo
    frozen: RefundTo


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundTerms:
    """How, until when and whereto money goes back. Clause `refund_*`."""

    refund_mode: tuple[RefundMode, ...]
    refund_window: RefundUntil | RefundDays
    refund_to_ended_account: RefundToEnded
    refund_bucket_after_rollover: RefundBucket


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteTerms:
    """What a quote promises and for how many seconds. Clause `on_plan_change`, `quote_*`."""

    on_plan_change: OnPlanChange
    quote_ttl_seconds: int
    hold_on_quote: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacyTerms:
    """Who learns what of whom. Clause `his_disclosure`, `sponsor_view_institution`."""

    his_disclosure: HisDisclosure
    sponsor_view_institution: SponsorView


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """A region's rules from a day on, with the document they come from. Its id is never reused.

    `effective_until` (exclusive) is only what the file states, so that a later edition does not
    change the content of this one; without it an edition ends where the next begins.
    `evidence_of` pairs a key with a grade and source better or worse than the edition's.
    """

    id: str
    region: str
    region_name: str
    effective_on: date
    effective_until: date | None = None
    source: str
    evidence: EvidenceGrade
    evidence_of: tuple[tuple[str, str], ...] = ()
    money_model: MoneyModel
    amount_semantics: AmountSemantics
    order: OrderTerms
    money: MoneyTerms
    binding: BindingTerms
    place: PlaceTerms
    items: ItemTerms
    premium: PremiumTerms
    refund: RefundTerms
    quote: QuoteTerms
    privacy: PrivacyTerms


def in_force(editions: Sequence[Edition], on: date) -> Edition:
    """The edition of one region that counts on a Beijing day: the latest that has begun.

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
