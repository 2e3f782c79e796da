"""Corrections as they are sent and answered, and an example."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.http.fields import YUAN, Body, PersonNo, Reference, Remark
from api.http.schemas import ApiModel

SIGNED_PATTERN = rf"^-?{YUAN}$"
SignedAmount = Annotated[str, StringConstraints(pattern=SIGNED_PATTERN), Field(examples=["-12.00"])]


class CorrectionBody(Body):
    """What is wrong with a balance: this much is missing in a bucket, or below zero too much."""

    person_no: PersonNo
    bucket: Literal["current", "prior"]
    amount: SignedAmount
    reason: Remark
    reference: Reference | None = None


class RejectionBody(Body):
    """Why somebody does not agree."""

    reason: Remark


class ListedCorrection(ApiModel):
    """A correction. Approved, `bucket` is where the money moved: after New Year the prior one.

    In a list `position` is where its proposal stands in the log.
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
    """A correction as it stands after what was done."""

    version: int


class CorrectionsReply(ApiModel):
    """A page of corrections, newest first."""

    items: list[ListedCorrection]
    next: str | None
