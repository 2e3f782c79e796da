"""What auditors are answered, and what they may send: shapes for OpenAPI."""

from typing import Any, Literal

from pydantic import Field

from api.account.responses import Balance, Suspense
from api.binding.responses import BindingReply
from api.http.fields import Body
from api.http.schemas import ApiModel


class ReplayBody(Body):
    """Up to where the log is told again; without `as_of` to its end, and all is compared."""

    as_of: str | None = Field(default=None, max_length=40)


class OtherwiseReply(ApiModel):
    """One member in which a decision is not what its rules make of what was read."""

    in_: str = Field(alias="in")
    told: str
    made: str


class AgainReply(ApiModel):
    """Whether a decision is the same when it is decided again."""

    same: bool
    differences: list[OtherwiseReply]


class StoryEventReply(ApiModel):
    """One event of a settlement's story; `event` is as it is stored, amounts in fen."""

    position: int
    recorded_at: str
    step: str
    text: str
    stream: str
    version: int
    topic: str
    actor: str
    on_behalf_of: str | None
    channel: str
    reason: str | None
    editions: dict[str, str] | None
    read: dict[str, int] | None
    event: dict[str, Any]
    decided_again: AgainReply | None


class StoryReply(ApiModel):
    """A settlement's whole story; `decided_again` says that every decision came out the same."""

    settlement_id: str
    status: str
    decided_again: bool
    events: list[StoryEventReply]
    position: int


class SpentReply(ApiModel):
    """What caps count, in yuan, of the day, month and year that `on` lies in."""

    on: str
    day: str
    month: str
    year: str


class SponsorTieReply(ApiModel):
    """A sponsor behind an account."""

    binding_id: str
    account: str
    relation: str
    linked_at: str


class BeneficiaryTieReply(ApiModel):
    """A beneficiary of an account, and what he used."""

    binding_id: str
    account: str
    relation: str
    used: SpentReply | None


class InvitedReply(ApiModel):
    """An invitation that was not answered."""

    binding_id: str
    sponsor: str


class AccountHoldReply(ApiModel):
    """Money set aside, in yuan; `aid` is what sponsors set aside for this patient."""

    hold_id: str
    amount: str
    aid: str
    expires_at: str | None


class FilingReply(ApiModel):
    """Where the owner filed to be treated."""

    place: str
    kind: str
    from_: str = Field(alias="from")
    until: str | None


class AccountAsOfStoryReply(ApiModel):
    """An account as it stood; `last_position` is that of its newest event by then.

    `year_is_open` says that a year was over and nothing had closed it yet: the balance is as if
    it had been.
    """

    account_id: str
    region: str
    insurance: str
    status: str
    flags: list[str]
    balance: Balance
    suspense: list[Suspense]
    version: int
    last_position: int
    year: int
    year_is_open: bool
    successor: str | None
    order: list[str] | None
    order_version: int
    invitations: list[InvitedReply]
    sponsors: list[SponsorTieReply]
    beneficiaries: list[BeneficiaryTieReply]
    lent: SpentReply | None
    received: SpentReply | None
    holds: list[AccountHoldReply]
    filings: list[FilingReply]


class AccountAsOfReply(AccountAsOfStoryReply):
    """An account as it stood at a position and its moment."""

    position: int
    as_of: str


class BoundReply(BindingReply):
    """A binding as it stood; its sides are account ids."""

    position: int = Field(default=0, exclude=True)
    last_position: int


class BindingAsOfReply(BindingReply):
    """A binding as it stood at a position and its moment; its sides are account ids."""

    as_of: str
    last_position: int


class StoodBehindReply(ApiModel):
    """A sponsor, or somebody who asked to be one, as he stood."""

    binding: BoundReply
    account: AccountAsOfStoryReply


class FamilyAsOfReply(ApiModel):
    """A patient and everybody behind him as they stood."""

    position: int
    as_of: str
    beneficiary: AccountAsOfStoryReply
    sponsors: list[StoodBehindReply]


class InstitutionAsOfReply(ApiModel):
    """An institution as it stood at a position and its moment."""

    position: int
    as_of: str
    institution_id: str
    code: str
    name: str
    class_: str = Field(alias="class")
    region: str
    status: str
    opened_regions: list[str]
    sensitive: bool
    cleared_through: str | None
    version: int
    last_position: int


class ProgressReply(ApiModel):
    """How many events are told again, and of how many."""

    done: int
    of: int


class DifferenceReply(ApiModel):
    """One difference; `position` is null where no event is at fault."""

    position: int | None
    stream: str | None
    in_: str = Field(alias="in")
    stored: str
    made: str


class ReportReply(ApiModel):
    """What a replay looked at and found; `read_models` is null where none was compared."""

    position: int
    events: int
    decided_again: dict[str, int]
    folded_only: dict[str, int]
    money_fen: dict[str, int]
    compared: dict[str, int]
    read_models: dict[str, int] | None
    difference_count: int
    differences: list[DifferenceReply]


class ReplayReply(ApiModel):
    """A replay under way or over."""

    replay_id: str
    status: Literal["running", "done", "failed", "interrupted"]
    as_of: str | None
    started_at: str
    ended_at: str | None
    progress: ProgressReply
    result: Literal["equal", "different"] | None
    report: ReportReply | None
