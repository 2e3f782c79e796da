"""The enumerations of a region's policy edition.

Reading an edition refuses a word outside its enumeration, so the rules never see one.
"""

from enum import StrEnum

from aggregates.vocabulary import FilingKind, InsuranceStatus


class EvidenceGrade(StrEnum):
    """How an edition is backed: official text, press, hearsay, own choice, made up for tests."""

    A = "A"
    B = "B"
    C = "C"
    OWN = "own"
    SYNTHETIC = "synthetic"


class MoneyModel(StrEnum):
    """Where aid comes from: debited on demand, a family pool, or a prefilled wallet."""

    ON_DEMAND = "ON_DEMAND"
    FAMILY_POOL = "FAMILY_POOL"
    WALLET = "WALLET"


class AmountSemantics(StrEnum):
    """Whether a region's documents have `acct_mulaid_pay` inside `acct_pay` or beside it.

    What an institution is answered is its own dialect's choice (`aggregates.institution`).
    """

    INCLUDED = "INCLUDED"
    SEPARATE = "SEPARATE"


class OrderStrategy(StrEnum):
    """What puts the sponsors in order; the two `_SET` words need a person to say so."""

    BENEFICIARY_SET = "BENEFICIARY_SET"
    SPONSOR_SET = "SPONSOR_SET"
    BIND_TIME_ASC = "BIND_TIME_ASC"
    BIND_TIME_DESC = "BIND_TIME_DESC"
    BALANCE_DESC = "BALANCE_DESC"
    SAME_REGION_FIRST = "SAME_REGION_FIRST"


class TieBreak(StrEnum):
    """What orders sponsors whom the order leaves equal: the binding's id, or the name in pinyin."""

    BINDING_ID = "BINDING_ID"
    NAME_PINYIN = "NAME_PINYIN"


class AuthoriserCode(StrEnum):
    """A sponsor pays only on a bill that carries a code of that sponsor."""

    REQUIRED = "REQUIRED"


class CredentialRequired(StrEnum):
    """What a claim must show of the patient: a credential of any kind, or nothing."""

    ANY = "ANY"
    NONE = "NONE"


class Whose(StrEnum):
    """Whose money a rule of buckets speaks of: the patient's own, or a sponsor's."""

    OWN = "OWN"
    AID = "AID"


class OrderMissing(StrEnum):
    """What happens if there are two or more sponsors and nobody has set their order."""

    REJECT_BINDING = "REJECT_BINDING"
    SKIP = "SKIP"
    FALLBACK = "FALLBACK"


class SinglePayerShortfall(StrEnum):
    """If only one may pay and cannot cover it all: take what they have, or the first who can."""

    USE_PARTIAL = "USE_PARTIAL"
    SKIP_TO_FIRST_THAT_COVERS = "SKIP_TO_FIRST_THAT_COVERS"


class OwnBuckets(StrEnum):
    """Which buckets of the patient's own account pay, and in which order."""

    CURRENT_THEN_PRIOR = "CURRENT_THEN_PRIOR"
    PRIOR_THEN_CURRENT = "PRIOR_THEN_CURRENT"
    CURRENT_ONLY = "CURRENT_ONLY"
    PRIOR_ONLY = "PRIOR_ONLY"


class SponsorBuckets(StrEnum):
    """Which buckets of a sponsor's account aid may take from."""

    ALL = "ALL"
    PRIOR_ONLY = "PRIOR_ONLY"
    CURRENT_THEN_PRIOR = "CURRENT_THEN_PRIOR"


class OwnAllocation(StrEnum):
    """Which lines the patient's own money pays first: those that aid cannot pay, or can."""

    INELIGIBLE_FIRST = "INELIGIBLE_FIRST"
    ELIGIBLE_FIRST = "ELIGIBLE_FIRST"


class AccountUnused(StrEnum):
    """Whether aid still pays when the patient does not use their own account."""

    NO_ACCOUNT_NO_AID = "NO_ACCOUNT_NO_AID"
    AID_ONLY = "AID_ONLY"


class CapScope(StrEnum):
    """Whose debits one cap counts together."""

    PER_BINDING = "PER_BINDING"
    PER_SPONSOR = "PER_SPONSOR"
    PER_BENEFICIARY = "PER_BENEFICIARY"


class CapSetBy(StrEnum):
    """Whose cap applies; with both, the lower one."""

    REGION = "REGION"
    SPONSOR = "SPONSOR"
    REGION_AND_SPONSOR = "REGION_AND_SPONSOR"


class CapOnExceed(StrEnum):
    """At a cap: pay up to it, or skip the sponsor."""

    CLAMP = "CLAMP"
    SKIP = "SKIP"


class Activation(StrEnum):
    """Who makes a binding active: the sponsor alone, or the beneficiary by accepting."""

    SPONSOR_ONLY = "SPONSOR_ONLY"
    INVITE_ACCEPT = "INVITE_ACCEPT"


class PersonFlag(StrEnum):
    """A mark on a person that a region may exclude: 公费医疗, 慢特病 registration."""

    PUBLIC_MEDICAL_CARE = "PUBLIC_MEDICAL_CARE"
    CHRONIC_DISEASE = "CHRONIC_DISEASE"


class Renewal(StrEnum):
    """What happens to a binding on its end date."""

    AUTO = "AUTO"
    MANUAL = "MANUAL"


class EffectiveDelay(StrEnum):
    """When a confirmed binding begins to pay."""

    IMMEDIATE = "IMMEDIATE"
    NEXT_DAY = "NEXT_DAY"


class UnbindEffective(StrEnum):
    """When a release takes effect."""

    IMMEDIATE = "IMMEDIATE"
    NEXT_DAY = "NEXT_DAY"
    NEXT_DAY_IF_BOUND_TODAY = "NEXT_DAY_IF_BOUND_TODAY"


class UnbindBy(StrEnum):
    """Who may release a binding."""

    SPONSOR = "SPONSOR"
    EITHER = "EITHER"


class BeneficiaryScope(StrEnum):
    """How far from the sponsor's region a beneficiary may be insured."""

    SAME_POOLING_REGION = "SAME_POOLING_REGION"
    SAME_PROVINCE = "SAME_PROVINCE"
    ANY = "ANY"


class PlaceUse(StrEnum):
    """Whether aid is open at a place: yes, no, or for the listed ones only."""

    ON = "ON"
    OFF = "OFF"
    WHITELIST = "WHITELIST"


class PayableBy(StrEnum):
    """Whose money may pay a fee line."""

    OWN_AND_AID = "OWN_AND_AID"
    OWN = "OWN"
    NONE = "NONE"


class PremiumType(StrEnum):
    """The kinds of premium a sponsor may pay for a relative."""

    RESIDENT_BASIC = "RESIDENT_BASIC"
    SUPPLEMENT = "SUPPLEMENT"
    LTCI = "LTCI"
    COMMERCIAL_PUBLIC = "COMMERCIAL_PUBLIC"
    LARGE_AMOUNT = "LARGE_AMOUNT"


class PremiumReverseBlock(StrEnum):
    """What forbids the reversal of a paid premium."""

    BENEFIT_USED = "BENEFIT_USED"
    CLEARED = "CLEARED"
    SPONSOR_ENDED = "SPONSOR_ENDED"
    WINDOW_CLOSED = "WINDOW_CLOSED"


class RefundMode(StrEnum):
    """How a refund is split: cancel and settle again, split a smaller bill anew, or pro rata."""

    FULL_RESETTLE = "FULL_RESETTLE"
    PARTIAL_RECAST = "PARTIAL_RECAST"
    PARTIAL_PRORATA = "PARTIAL_PRORATA"


class RefundUntil(StrEnum):
    """How long refunds are accepted if no number of days is given."""

    SAME_DAY = "SAME_DAY"
    UNTIL_CLEARED = "UNTIL_CLEARED"
    UNLIMITED = "UNLIMITED"


class RefundTo(StrEnum):
    """Where a refund to an ended or frozen account goes: credited, or into suspense."""

    CREDIT = "CREDIT"
    SUSPENSE = "SUSPENSE"


class RefundBucket(StrEnum):
    """Which bucket a refund of an earlier year's debit reaches."""

    CARRY_TO_PRIOR = "CARRY_TO_PRIOR"
    ORIGINAL_YEAR = "ORIGINAL_YEAR"


class OnPlanChange(StrEnum):
    """If a quote no longer applies at settlement: refuse, or settle by the new plan."""

    REJECT = "REJECT"
    RECOMPUTE = "RECOMPUTE"


class HisDisclosure(StrEnum):
    """What an institution sees of the sponsors' names and numbers."""

    TOTAL_ONLY = "TOTAL_ONLY"
    PER_PAYER_MASKED = "PER_PAYER_MASKED"
    PER_PAYER_FULL = "PER_PAYER_FULL"


class SponsorView(StrEnum):
    """What a sponsor sees of an institution: its name, or only its class."""

    FULL = "FULL"
    CLASS_ONLY = "CLASS_ONLY"


PERSON_CLASSES = (*InsuranceStatus, *FilingKind)
"""The person classes that a whitelist may name: insurance statuses and kinds of filing."""


class MedType(StrEnum):
    """Kinds of care in the national table (his-interface.md §5).

    A region's own codes extend one of them (1301 is a 13); local ones begin with 9.
    """

    OUTPATIENT = "11"
    REGISTRATION = "12"
    EMERGENCY = "13"
    CHRONIC = "14"
    SPECIAL_DRUGS = "15"
    CHINESE_MEDICINE = "16"
    INPATIENT = "21"
    INJURY = "22"
    TRANSFER_OUT = "23"
    EMERGENCY_TO_INPATIENT = "24"
    OFF_SITE = "25"
    SINGLE_DISEASE = "26"
    OWN_CHOICE = "27"
    DAY_SURGERY = "28"
    PHARMACY = "41"
    MATERNITY_OUTPATIENT = "51"
    MATERNITY_INPATIENT = "52"
    ACCIDENT_OUTPATIENT = "81"
