"""Request bodies."""

from typing import Annotated, Literal

from pydantic import Field

from api.http.fields import (
    Amount,
    Body,
    CertNo,
    PersonNo,
    Reference,
    Remark,
    ShortText,
    TermDay,
    Version,
    Word,
)

Rank = Annotated[int, Field(ge=1, le=100)]
"""A place in the deduction order; 1 pays first."""


class OrderBody(Body):
    """A deduction order: the sponsors' person numbers, in paying order.

    `rank` is for a sponsor who names only himself, where the region lets the sponsors set it.
    """

    sponsors: Annotated[tuple[PersonNo, ...], Field(max_length=100, fail_fast=True)]
    version: Version = 0
    rank: Rank | None = None


class CapsBody(Body):
    """Limits for a beneficiary, in yuan; null is no limit.

    `total` limits all that is paid under the binding, over all time since it was first set.
    """

    per_settlement: Amount | None = None
    per_day: Amount | None = None
    per_month: Amount | None = None
    per_year: Amount | None = None
    total: Amount | None = None


UseWord = Literal["care", "premium"]
RelationWord = Literal[
    "spouse",
    "parent",
    "child",
    "sibling",
    "grandparent",
    "grandparent_paternal",
    "grandparent_maternal",
    "grandchild",
    "grandchild_paternal",
    "grandchild_maternal",
    "parent_in_law",
]


class EvidenceBody(Body):
    """The evidence of a kinship; a document needs its reference."""

    kind: Literal["promise", "document", "data_check"]
    reference: Reference | None = None


class IdCardBody(Body):
    """A family member by ID number and name; the person number is not needed."""

    type: Literal["id_card"]
    value: CertNo
    name: ShortText


class BindingBody(Body):
    """A sponsor's offer. An agency names the sponsor; a person is the sponsor.

    `beneficiary` is a person number, or an ID number with a name. `consent` is the version of the
    text that the sponsor was shown (`GET /v1/consents`); in an import line, the version both sides
    were shown. `rank` is the place among the beneficiary's sponsors, 1 pays first, where the region
    takes it from the form.
    """

    sponsor: PersonNo | None = None
    beneficiary: PersonNo | IdCardBody
    relation: RelationWord
    evidence: EvidenceBody | None = None
    consent: Word | None = None
    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] = ("care", "premium")
    caps: CapsBody = CapsBody()
    valid_from: TermDay | None = None
    valid_until: TermDay | None = None
    rank: Rank | None = None


class DocumentReviewBody(Body):
    """An agency's decision on the document of a kinship, and its reason."""

    decision: Literal["approve", "reject"]
    reason: Remark


class ConfirmationBody(Body):
    """A beneficiary's acceptance; `consent` is the version of the text shown.

    `order` sets the deduction order in the same step: all sponsors' person numbers, the first pays
    first.
    """

    consent: Word | None = None
    order: Annotated[tuple[PersonNo, ...], Field(max_length=100, fail_fast=True)] | None = None


class GrantBody(Body):
    """Changes of a grant. Members and caps that are not sent stay unchanged.

    A cap of null is removed; null for `caps` removes all four.
    """

    uses: Annotated[tuple[UseWord, ...], Field(min_length=1, max_length=2)] | None = None
    caps: CapsBody | None = None
    valid_until: TermDay | None = None
