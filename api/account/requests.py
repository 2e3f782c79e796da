"""Request bodies of accounts."""

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import (
    Amount,
    Body,
    CertNo,
    Day,
    PersonNo,
    Reference,
    RegionCode,
    Remark,
    ShortText,
    TermDay,
    Word,
)

CREDENTIALS_MAX = 10
AccountStatus = Literal[
    "normal", "retired", "suspended", "arrears", "frozen", "deceased", "transferred", "closed"
]


class CredentialBody(Body):
    """A card or e-credential by its number; a withdrawal may say why."""

    type: Literal["social_card", "e_credential"]
    value: Word


Credentials = Annotated[tuple[CredentialBody, ...], Field(max_length=CREDENTIALS_MAX)]


class CredentialWithdrawalBody(CredentialBody):
    """A credential that the person holds no more."""

    reason: Remark = "not stated"


FlagWord = Literal["public_medical_care", "chronic_disease", "e_credential_active"]


class AccountBody(Body):
    """An insured person."""

    person_no: PersonNo
    name: ShortText
    cert_no: CertNo
    insurance: Literal["employee", "resident"]
    region: RegionCode
    status: AccountStatus = "normal"
    flags: tuple[FlagWord, ...] = ()
    reference: Reference | None = None
    credentials: Credentials | None = None


class FlagsBody(Body):
    """All marks on a person from now on; what is left out is no longer set.

    `chronic_disease` is a chronic-disease registration, `e_credential_active` an active medical
    e-credential.
    """

    flags: Annotated[tuple[FlagWord, ...], Field(max_length=3)]
    reason: Remark = "not stated"


class ChronicReviewBody(Body):
    """An agency's decision on a filing of a chronic disease.

    Without `granted` a filing under review is refused, and one that was granted ends.
    """

    granted: bool
    reason: Remark = "not stated"


class CreditBody(Body):
    """A credit to an account."""

    amount: Amount
    bucket: Literal["current", "prior"] = "current"
    reference: Reference | None = None


class StatusBody(Body):
    """An account's new status."""

    status: AccountStatus
    reason: Remark = "not stated"
    effective_on: Day | None = None
    successor: PersonNo | None = None
    reference: Reference | None = None


class PayOutBody(Body):
    """The agency's own reference for a pay-out to the estate or to a new owner."""

    reference: Remark


class FilingBody(Body):
    """An off-site care filing; both days included."""

    person_no: PersonNo
    place: RegionCode
    kind: Literal["long_term", "temporary"]
    from_: Day = Field(alias="from")
    to: TermDay | None = None
    reference: Reference | None = None
