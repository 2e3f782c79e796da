"""The closed sets of words that a region's policy edition may use.

A word outside its set is refused when the edition is read, so the rules never meet one.
"""

from enum import StrEnum

from aggregates.vocabulary import FilingKind, InsuranceStatus


class EvidenceGrade(StrEnum):
    """How well an edition is backed: official, press, hearsay, our own choice, made for tests."""

    A = "A"
    B = "B"
    C = "C"
    OWN = "own"
    SYNTHETIC = "synthetic"


class MoneyModel(StrEnum):
    """Where aid comes from: debited on demand, a family pool, or a wallet filled before."""

    ON_DEMAND = "ON_DEMAND"
    FAMILY_POOL = "FAMILY_POOL"
    WALLET = "WALLET"


class AmountSemantics(StrEnum):
    """Whether the interface's `acct_pay` contains `acct_mulaid_pay` or stands beside it."""

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


class OrderMissing(StrEnum):
    """What happens with two sponsors or more when the order nobody set is needed."""

    REJECT_BINDING = "REJECT_BINDING"
    SKIP = "SKIP"
    FALLBACK = "FALLBACK"


class SinglePayerShortfall(StrEnum):
    """With one payer allowed who cannot cover it all: take what he has, or look for one who can."""

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
    """Which lines the patient's own money goes to first: those aid cannot pay, or those it can."""

    INELIGIBLE_FIRST = "INELIGIBLE_FIRST"
    ELIGIBLE_FIRST = "ELIGIBLE_FIRST"


class AccountUnused(StrEnum):
    """What it means for aid that the patient leaves his own account out."""

    NO_ACCOUNT_NO_AID = "NO_ACCOUNT_NO_AID"
    AID_ONLY = "AID_ONLY"


class CapScope(StrEnum):
    """Whose debits one cap counts together."""

    PER_BINDING = "PER_BINDING"
    PER_SPONSOR = "PER_SPONSOR"
    PER_BENEFICIARY = "PER_BENEFICIARY"


class CapSetBy(StrEnum):
    """Whose cap counts; with both, the lower wins."""

    REGION = "REGION"
    SPONSOR = "SPONSOR"
    REGION_AND_SPONSOR = "REGION_AND_SPONSOR"


class CapOnExceed(StrEnum):
    """At a cap: pay up to it and go on, or leave the sponsor out."""

    CLAMP = "CLAMP"
    SKIP = "SKIP"


class Activation(StrEnum):
    """Who makes a binding active: the sponsor alone, or the beneficiary by accepting."""

    SPONSOR_ONLY = "SPONSOR_ONLY"
    INVITE_ACCEPT = "INVITE_ACCEPT"


class PersonFlag(StrEnum):
    """A mark on a person that a region may exclude (公费医疗)."""

    PUBLIC_MEDICAL_CARE = "PUBLIC_MEDICAL_CARE"


class Renewal(StrEnum):
    """What happens to a binding with an end date when the end comes."""

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
    """What forbids taking a paid premium back."""

    BENEFIT_USED = "BENEFIT_USED"
    CLEARED = "CLEARED"
    SPONSOR_ENDED = "SPONSOR_ENDED"
    WINDOW_CLOSED = "WINDOW_CLOSED"


class RefundMode(StrEnum):
    """How money goes back: cancel and settle again, decide again for less, or by share."""

    FULL_RESETTLE = "FULL_RESETTLE"
    PARTIAL_RECAST = "PARTIAL_RECAST"
    PARTIAL_PRORATA = "PARTIAL_PRORATA"


class RefundUntil(StrEnum):
    """How long a refund stays open where no number of days is given."""

    SAME_DAY = "SAME_DAY"
    UNTIL_CLEARED = "UNTIL_CLEARED"
    UNLIMITED = "UNLIMITED"


class RefundTo(StrEnum):
    """Where a refund goes whose account cannot simply take it: credited, or kept aside."""

    CREDIT = "CREDIT"
    SUSPENSE = "SUSPENSE"


class RefundBucket(StrEnum):
    """Which bucket a refund reaches when the year has turned since the debit."""

    CARRY_TO_PRIOR = "CARRY_TO_PRIOR"
    ORIGINAL_YEAR = "ORIGINAL_YEAR"


class OnPlanChange(StrEnum):
    """A quote no longer holds at settlement: refuse, or settle by the new plan."""

    REJECT = "REJECT"
    RECOMPUTE = "RECOMPUTE"


class HisDisclosure(StrEnum):
    """What an institution learns of the sponsors' names and numbers."""

    TOTAL_ONLY = "TOTAL_ONLY"
    PER_PAYER_MASKED = "PER_PAYER_MASKED"
    PER_PAYER_FULL = "PER_PAYER_FULL"


class SponsorView(StrEnum):
    """How much of the institution a sponsor sees: its name, or its class."""

    FULL = "FULL"
    CLASS_ONLY = "CLASS_ONLY"


PERSON_CLASSES = (*InsuranceStatus, *FilingKind)
"""What a patient can be where only some are let in: how he is insured, for how long he filed."""


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
