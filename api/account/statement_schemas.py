"""Responses and examples of an account's statement and of a patient's bills."""

from typing import Literal

from api.http.schemas import ApiModel
from api.settlement.responses import ReturnedReply

InstitutionClass = Literal["hospital", "pharmacy", "checkup"]


class ListedEntry(ApiModel):
    """A signed movement of an account's money, and the balance after it, in yuan.

    `aside` was returned and could not be credited: it is kept aside and not in the balance.
    `reference` names a premium, a correction, a ticket of money kept aside, a family
    pool, or the closed year.
    `beneficiary` is masked. `institution` is null if the reader may only see its class. `text` is
    the sentence in the caller's language.
    """

    position: int
    recorded_at: str
    kind: Literal[
        "credited",
        "debited",
        "returned",
        "year_closed",
        "corrected",
        "premium_debited",
        "premium_returned",
        "set_aside",
        "paid_out",
        "moved_to_pool",
        "moved_from_pool",
    ]
    amount: str
    current: str
    prior: str
    balance_after: str
    aside: str
    settlement_id: str | None
    binding_id: str | None
    reference: str | None
    beneficiary: str | None
    institution: str | None
    institution_class: InstitutionClass | None
    text: str


class EntriesReply(ApiModel):
    """A page of an account's statement, newest first."""

    items: list[ListedEntry]
    next: str | None


class SponsorPart(ApiModel):
    """What a sponsor paid of a bill, and what of it was returned.

    `name` is masked, and null if the person was erased.
    """

    name: str | None
    amount: str
    returned: str


class BillReturned(ReturnedReply):
    """What of a bill was returned: the sum, and by who had paid it."""

    amount: str


class PatientBillReply(ApiModel):
    """A patient's bill as it was settled, who paid what, and what was returned since."""

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    day: str
    treated_at: str
    institution: str
    institution_class: InstitutionClass
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    sponsors: list[SponsorPart]
    returned: BillReturned
    text: str
    position: int


class BillsReply(ApiModel):
    """A page of a patient's bills, newest first."""

    items: list[PatientBillReply]
    next: str | None
