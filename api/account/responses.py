"""Responses."""

from api.http.schemas import Reply


class Balance(Reply):
    """Yuan in the current-year and prior-year buckets; `available` may leave the account now."""

    current: str
    prior: str
    held: str
    available: str


class Suspense(Reply):
    """Money kept aside under a ticket, in no balance: the agency pays it out."""

    ticket: str
    amount: str


class AccountReply(Reply):
    """An account."""

    person_no: str
    region: str
    insurance: str
    status: str
    flags: list[str]
    balance: Balance
    suspense: list[Suspense]
    version: int
    position: int
