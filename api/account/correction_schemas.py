"""Requests and responses of corrections."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.http.fields import YUAN, Body, PersonNo, Reference, Remark
from api.http.schemas import ApiModel

SIGNED_PATTERN = rf"^-?{YUAN}$"
SignedAmount = Annotated[str, StringConstraints(pattern=SIGNED_PATTERN), Field(examples=["-12.00"])]


class CorrectionBody(Body):
    """An error of a bucket: positive if money is missing, negative if there is too much."""

    person_no: PersonNo
    bucket: Literal["current", "prior"]
    amount: SignedAmount
    reason: Remark
    reference: Reference | None = None


class RejectionBody(Body):
    """Why a correction is rejected."""

    reason: Remark


class ListedCorrection(ApiModel):
    """A correction. Once approved, `bucket` is where the money moved: after New Year the prior one.

    In a list `position` is that of the proposal.
    """

    correction_id: str
    person_no: str | None
    bucket: Literal["current", "prior"]
    amount: str
    reason: str
    reference: str | None
    status: Literal["proposed", "approved", "rejected"]
    proposed_by: str
    proposed_on: str
    decided_by: str | None
    rejection: str | None
    position: int


class CorrectionReply(ListedCorrection):
    """A correction after the change."""

    version: int


class CorrectionsReply(ApiModel):
    """A page of corrections, newest first."""

    items: list[ListedCorrection]
    next: str | None
