"""Responses of accounts."""

from pydantic import Field

from api.http.schemas import ApiModel


class Balance(ApiModel):
    """Yuan in the current-year and prior-year buckets; `available` may leave the account now."""

    current: str
    prior: str
    held: str
    available: str


class Suspense(ApiModel):
    """Money kept aside under a ticket; it is in no balance, and the agency pays it out."""

    ticket: str
    amount: str


class AccountReply(ApiModel):
    """An account. `region` is the pooling area, `insured_place` the code given at its opening.

    `credentials` are the kinds that the owner holds, without their numbers. `pool_id` is there once
    the owner has a family pool (家庭共济账户).
    """

    person_no: str
    name: str | None = Field(
        None,
        description="The owner's name where the account is looked at: in clear for the owner and "
        "a minor's parent, masked for others. Null once erased; absent in the answer to a change.",
    )
    region: str
    insured_place: str
    insurance: str
    status: str
    flags: list[str]
    credentials: list[str]
    balance: Balance
    suspense: list[Suspense]
    pool_id: str | None = None
    version: int
    position: int


class ChronicFilingReply(ApiModel):
    """A filing of a chronic disease; both days included. `status` is `in_review` or `granted`.

    `disease` is a code of the catalogue. `institution_id` is who filed it.
    """

    filing_id: str
    institution_id: str
    disease: str
    name: str
    from_: str = Field(alias="from")
    to: str | None
    status: str


class ChronicFilingsReply(ApiModel):
    """A person's filings of chronic diseases that are under review or were granted."""

    person_no: str
    items: list[ChronicFilingReply]
    position: int


class AuthoriserCodeReply(ApiModel):
    """A sponsor's own code; an institution sends it as `authoriser_code` until it expires."""

    code: str
    expires_at: str
    position: int
