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


class BindingReply(BindingSides):
    """A binding between a sponsor and a beneficiary (person numbers).

    `warnings` is there only if something keeps it from paying: ORDER_NOT_SET, while there are two
    sponsors and nobody has set their order.
    """

    warnings: list[Literal["ORDER_NOT_SET"]] = Field(default_factory=list)
    position: int


class ListedBinding(BindingSides):
    """A binding in a list."""

    evidence: EvidenceReply | Maybe = Absent
    review_until: str | None = Absent


class BindingsReply(ApiModel):
    """A page of bindings, newest first."""

    items: list[ListedBinding]
    next: str | None
