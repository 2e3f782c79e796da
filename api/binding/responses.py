"""Response bodies."""

from typing import Literal

from pydantic import Field

from api.http.schemas import Absent, ApiModel, Maybe


class OrderReply(ApiModel):
    """The order of the current sponsors; `sponsors` is null and `version` 0 before one is set.

    `version` changes whenever the order does.
    """

    sponsors: list[str | None] | None
    version: int
    position: int


class CapsReply(ApiModel):
    """Limits in yuan; null is no limit."""

    per_settlement: str | None
    per_day: str | None
    per_month: str | None
    per_year: str | None
    total: str | None


class EvidenceReply(ApiModel):
    """The proof of a kinship, as it was stated."""

    kind: str
    reference: str | None


class BindingSides(ApiModel):
    """A binding between a sponsor and a beneficiary (person numbers)."""

    binding_id: str
    sponsor: str | None
    beneficiary: str | None
    relation: str
    uses: list[str]
    caps: CapsReply
    status: Literal["in_review", "invited", "active", "declined", "expired", "released", "ended"]
    valid_from: str
    valid_until: str | None
    version: int


class BareBindingReply(BindingSides):
    """A binding between a sponsor and a beneficiary, without their names.

    `warnings` is there only if something keeps it from paying: ORDER_NOT_SET, while there are two
    sponsors and nobody has set their order.
    """

    warnings: list[Literal["ORDER_NOT_SET"]] = Field(default_factory=list)
    position: int


class SideNames(ApiModel):
    """The names of a binding's sides as far as the reader may know them."""

    sponsor_name: str | None = Field(
        description="The sponsor's name: in clear for himself, masked for others; null once erased."
    )
    beneficiary_name: str | None = Field(
        description="As `sponsor_name`; null also while the reader may not know of the person."
    )
    relation_to_you: str | None = Field(
        description="What the other side is to the reader, in the words of `relation`; null for "
        "a reader who is on neither side, and where there is no such word."
    )


class BindingReply(BareBindingReply, SideNames):
    """A binding between a sponsor and a beneficiary (person numbers).

    `warnings` is there only if something keeps it from paying: ORDER_NOT_SET, while there are two
    sponsors and nobody has set their order.
    """


class ListedBinding(BindingSides, SideNames):
    """A binding in a list."""

    evidence: EvidenceReply | Maybe = Absent
    review_until: str | None = Absent


class BindingsReply(ApiModel):
    """A page of bindings, newest first."""

    items: list[ListedBinding]
    next: str | None
