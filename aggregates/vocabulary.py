"""The vocabulary of the rules: ids, calendar, enumerations.

Money is whole fen in `int`, a day a Beijing `date`, a moment an aware `datetime`. All are inputs.
"""

from datetime import date, datetime, timedelta, timezone
from enum import StrEnum
from typing import NamedTuple, NewType

StreamId = NewType("StreamId", str)
"""Kind (`acc_ bnd_ stl_ hld_ prm_ cor_ lnk_ vis_`, …) and identity (32 hex digits) of a stream."""

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""The time zone of business days (no summer time since 1992)."""
FEN_MAX = 9 * 10**15
"""The largest absolute amount in fen: a thousand of them fit a bigint."""


class Instant(NamedTuple):
    """A moment of the business clock, and its Beijing day."""

    at: datetime
    on: date


def instant(at: datetime) -> Instant:
    """The business instant of an aware moment."""
    local = at.astimezone(BEIJING)
    return Instant(local, local.date())


class Insurance(StrEnum):
    """The kind of insurance; only an employee's account holds funds."""

    EMPLOYEE = "employee"
    RESIDENT = "resident"


class InsuranceStatus(StrEnum):
    """The status of a person's insurance, without freezing and ending."""

    NORMAL = "NORMAL"
    RETIRED = "RETIRED"
    SUSPENDED = "SUSPENDED"
    ARREARS = "ARREARS"


class Ending(StrEnum):
    """Why an account is closed."""

    DECEASED = "DECEASED"
    TRANSFERRED = "TRANSFERRED"
    CLOSED = "CLOSED"


class Bucket(StrEnum):
    """Current-year and prior-year money of one account (当年, 历年)."""

    CURRENT = "current"
    PRIOR = "prior"


class Use(StrEnum):
    """What a sponsor grants the money for (共济支付, 共济缴费)."""

    CARE = "care"
    PREMIUM = "premium"


class Relation(StrEnum):
    """What the beneficiary is to the sponsor (policy.md §2.2, the eight classes, and in-laws).

    GRANDPARENT and GRANDCHILD leave the line open; a region that allows either line allows them.
    """

    SPOUSE = "SPOUSE"
    PARENT = "PARENT"
    CHILD = "CHILD"
    SIBLING = "SIBLING"
    GRANDPARENT = "GRANDPARENT"
    GRANDCHILD = "GRANDCHILD"
    GRANDPARENT_PATERNAL = "GRANDPARENT_PATERNAL"
    GRANDPARENT_MATERNAL = "GRANDPARENT_MATERNAL"
    GRANDCHILD_PATERNAL = "GRANDCHILD_PATERNAL"
    GRANDCHILD_MATERNAL = "GRANDCHILD_MATERNAL"
    PARENT_IN_LAW = "PARENT_IN_LAW"


class ParentSex(StrEnum):
    """Which parent one side of a binding is, by the sex digit of the ID number."""

    FATHER = "FATHER"
    MOTHER = "MOTHER"


class KinshipEvidence(StrEnum):
    """How a kinship was proven (policy.md §3.2 `kinship_evidence`)."""

    PROMISE = "PROMISE"
    DOCUMENT = "DOCUMENT"
    DATA_CHECK = "DATA_CHECK"


class CredentialType(StrEnum):
    """A credential that a person's record may hold: 社会保障卡, 医保电子凭证."""

    SOCIAL_CARD = "SOCIAL_CARD"
    E_CREDENTIAL = "E_CREDENTIAL"


class CredentialProof(StrEnum):
    """How a claim's patient was proven at the counter (regions.md §3).

    ID_NUMBER, SOCIAL_CARD and E_CREDENTIAL are known here; a CODE was shown by a guardian. VERIFIER
    confirmed a token; in an OUTAGE it gave no answer, and the token was accepted unconfirmed. VISIT
    was proven before, at the same visit.
    """

    NONE = ""
    ID_NUMBER = "ID_NUMBER"
    SOCIAL_CARD = "SOCIAL_CARD"
    E_CREDENTIAL = "E_CREDENTIAL"
    CODE = "CODE"
    VERIFIER = "VERIFIER"
    OUTAGE = "OUTAGE"
    VISIT = "VISIT"


class LinkEvidence(StrEnum):
    """How a guardian proves a member's identity (policy.md §5)."""

    HOUSEHOLD_PAGE = "HOUSEHOLD_PAGE"
    FACE = "FACE"
    BIRTH_CERTIFICATE = "BIRTH_CERTIFICATE"
    NOTARISED = "NOTARISED"


class Parting(StrEnum):
    """How a binding ended."""

    RELEASED = "RELEASED"
    LAPSED = "LAPSED"
    ENDED = "ENDED"


class FilingKind(StrEnum):
    """For how long a patient filed to be treated elsewhere (异地就医备案)."""

    LONG_TERM = "LONG_TERM"
    TEMPORARY = "TEMPORARY"


class BindingStatus(StrEnum):
    """The status of a binding."""

    IN_REVIEW = "in_review"
    INVITED = "invited"
    ACTIVE = "active"
    DECLINED = "declined"
    EXPIRED = "expired"
    RELEASED = "released"
    ENDED = "ended"


class LinkStatus(StrEnum):
    """The status of a credential link."""

    REQUESTED = "requested"
    IN_REVIEW = "in_review"
    APPLIED = "applied"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class SettlementStatus(StrEnum):
    """The status of a settlement."""

    SETTLED = "settled"
    PART_REFUNDED = "part_refunded"
    CANCELLED = "cancelled"
    REVERSED = "reversed"
    REFUSED = "refused"


class HoldStatus(StrEnum):
    """The status of a hold."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"
    VOID = "void"


class HoldEnd(StrEnum):
    """Why a hold ended: debited, given back, expired, or the account ended."""

    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"
    ENDED = "ENDED"


class CorrectionStatus(StrEnum):
    """The status of a correction."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    REJECTED = "rejected"


class PremiumStatus(StrEnum):
    """The status of a premium (policy.md §4)."""

    HELD = "held"
    SENT_TO_TAX = "sent_to_tax"
    UNKNOWN = "unknown"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    REVERSE_REQUESTED = "reverse_requested"
    REVERSED = "reversed"


class InstitutionStatus(StrEnum):
    """Whether an institution's agreement is in force."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"


class InstitutionKind(StrEnum):
    """The kind of a designated institution (定点医疗机构, 定点零售药店, 体检机构)."""

    HOSPITAL = "hospital"
    PHARMACY = "pharmacy"
    CHECKUP = "checkup"


class MulaidMode(StrEnum):
    """Whether `acct_pay` includes `acct_mulaid_pay` or excludes it (his-interface.md §6)."""

    CONTAINED = "contained"
    BESIDE = "beside"


class StatementWords(StrEnum):
    """How `stmt_rslt` is spelled: 0 to 3, or six digits (his-interface.md §3.8)."""

    NATIONAL = "national"
    HUBEI = "hubei"


class AccountFlag(StrEnum):
    """What `acct_used_flag` 1 and 2 mean (his-interface.md §5).

    Nationally both are the own account and then the family's aid. In Hunan 1 is the own account
    alone, and 2 both.
    """

    NATIONAL = "national"
    HUNAN = "hunan"


class SignatureStyle(StrEnum):
    """How an institution signs its national messages (his-interface.md §2.2)."""

    X_TIF = "x-tif"
    CSB = "csb"
    X_CA = "x-ca"
    SM2 = "sm2"
    NONE = "none"
    APIKEY = "apikey"
    OAUTH2 = "oauth2"
    SM4 = "sm4"


class Category(StrEnum):
    """What a fee line is for (policy.md §3.2 `item_category_rule`)."""

    DRUG = "drug"
    SERVICE = "service"
    DEVICE = "device"
    CONSUMABLE = "consumable"
    CHECKUP = "checkup"
    VACCINE = "vaccine"
    DISINFECTANT = "disinfectant"
    OTHER = "other"


class Part(StrEnum):
    """Which part of the personal burden a fee line is (符合, 先行自付, 超限价, 全自费)."""

    IN_SCOPE = "in_scope"
    PRE_SELF_PAY = "pre_self_pay"
    OVER_LIMIT = "over_limit"
    FULL_SELF_PAY = "full_self_pay"


class ErasureReason(StrEnum):
    """Why a person is erased: the cases of PIPL art. 47, in its order."""

    PURPOSE_ENDED = "purpose_ended"
    RETENTION_OVER = "retention_over"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    UNLAWFUL = "unlawful"
    LAW = "law"


class Reason(StrEnum):
    """Why a payer paid nothing, or why no aid was paid."""

    NOT_NEEDED = "NOT_NEEDED"
    NO_ACCOUNT = "NO_ACCOUNT"
    SKIPPED_ZERO = "SKIPPED_ZERO"
    FROZEN = "FROZEN"
    CLOSED = "CLOSED"
    ACCOUNT_UNUSED = "ACCOUNT_UNUSED"
    NOT_PAYABLE = "NOT_PAYABLE"
    NOT_ACTIVE = "NOT_ACTIVE"
    USE_NOT_GRANTED = "USE_NOT_GRANTED"
    SPONSOR_STATUS = "SPONSOR_STATUS"
    RESERVE = "RESERVE"
    CAP = "CAP"
    PAYER_LIMIT = "PAYER_LIMIT"
    CANNOT_COVER = "CANNOT_COVER"
    BENEFICIARY_STATUS = "BENEFICIARY_STATUS"
    ORDER_NOT_SET = "ORDER_NOT_SET"
    REGION_NOT_OPEN = "REGION_NOT_OPEN"
    FILING_REQUIRED = "FILING_REQUIRED"
    MED_TYPE_NOT_ALLOWED = "MED_TYPE_NOT_ALLOWED"
    AID_UNUSED = "AID_UNUSED"
    FUND_PAYS = "FUND_PAYS"
    CODE_REQUIRED = "CODE_REQUIRED"


class Setting(StrEnum):
    """How a patient is treated."""

    OUTPATIENT = "OUTPATIENT"
    INPATIENT = "INPATIENT"


class VisitEnd(StrEnum):
    """Why a visit ended: it was entered in error, or the patient was discharged."""

    WITHDRAWN = "WITHDRAWN"
    DISCHARGED = "DISCHARGED"
