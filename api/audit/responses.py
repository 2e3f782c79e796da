"""Bodies and replies of the audit routes."""

from typing import Any, Literal

from pydantic import Field

from api.account.responses import Balance, Suspense
from api.binding.responses import BareBindingReply
from api.http.fields import Body
from api.http.schemas import ApiModel


class ReplayBody(Body):
    """The end of the replay; without `as_of` the whole log is replayed and all is compared."""

    as_of: str | None = Field(default=None, max_length=40)


class OtherwiseReply(ApiModel):
    """One member of a decision: as stored (`told`), and as decided again (`made`)."""

    in_: str = Field(alias="in")
    told: str
    made: str


class AgainReply(ApiModel):
    """Whether a decision is the same when it is decided again."""

    same: bool
    differences: list[OtherwiseReply]


class StoryEventReply(ApiModel):
    """One event of a settlement's story; `event` is the stored event, amounts in fen."""

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


class RestsOnReply(ApiModel):
    """An edition that decided the bill: its grade, and its keys without a good source.

    `evidence` is A, B, C, own or synthetic. `hearsay` are keys of grade C, `own_choice` keys for
    which no public text was found.
    """

    region: str
    edition: str
    evidence: str
    hearsay: list[str]
    own_choice: list[str]


class StoryReply(ApiModel):
    """A settlement's whole story; `decided_again` is true if every decision is the same again.

    `promises` are the bindings that paid and rest on a promise alone: no register and no agency
    has confirmed the kinship.
    """

    settlement_id: str
    status: str
    decided_again: bool
    rests_on: list[RestsOnReply]
    promises: list[str]
    events: list[StoryEventReply]
    position: int


class SpentReply(ApiModel):
    """Cap usage in yuan of the day, month and insurance year of `on`."""

    on: str
    day: str
    month: str
    year: str


class TieReply(ApiModel):
    """The account on the other side of a binding."""

    binding_id: str
    account: str
    relation: str


class SponsorTieReply(TieReply):
    """A sponsor of an account."""

    linked_at: str


class BeneficiaryTieReply(TieReply):
    """A beneficiary of an account, and the cap usage for it."""

    used: SpentReply | None


class InvitedReply(ApiModel):
    """An open invitation."""

    binding_id: str
    sponsor: str


class AccountHoldReply(ApiModel):
    """Held money in yuan; `aid` is what sponsors' accounts hold for this patient."""

    hold_id: str
    amount: str
    aid: str
    expires_at: str | None


class FilingReply(ApiModel):
    """A filing for treatment elsewhere."""

    place: str
    kind: str
    from_: str = Field(alias="from")
    until: str | None


class AccountAsOfStoryReply(ApiModel):
    """An account at a point of the log; `last_position` is that of its newest event by then.

    `year` is the insurance year, named by the calendar year in which it began. `year_is_open` says
    that it was over but not closed yet: the balance is shown as if it had been closed.
    """

    account_id: str
    region: str
    insured_place: str
    insurance: str
    status: str
    flags: list[str]
    credentials: list[str]
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


class PointReply(ApiModel):
    """A position of the log, and the moment that the state is shown at."""

    position: int
    as_of: str


class AccountAsOfReply(AccountAsOfStoryReply, PointReply):
    """An account at a position and its moment."""


class BoundReply(BareBindingReply):
    """A binding in a family's answer; its sides are account ids."""

    position: int = Field(default=0, exclude=True)
    last_position: int


class BindingAsOfReply(BareBindingReply):
    """A binding at a position and its moment; its sides are account ids."""

    as_of: str
    last_position: int


class StoodBehindReply(ApiModel):
    """A sponsor, or somebody who invited the patient: the binding and the account."""

    binding: BoundReply
    account: AccountAsOfStoryReply


class FamilyAsOfReply(PointReply):
    """A patient and all sponsors at a position and its moment."""

    beneficiary: AccountAsOfStoryReply
    sponsors: list[StoodBehindReply]


class InstitutionAsOfReply(PointReply):
    """An institution at a position and its moment."""

    institution_id: str
    code: str
    name: str
    class_: str = Field(alias="class")
    region: str
    status: str
    opened_regions: list[str]
    sensitive: bool
    level: str | None
    cleared_through: str | None
    version: int
    last_position: int


class ProgressReply(ApiModel):
    """How many events are replayed, and of how many."""

    done: int
    of: int


class DifferenceReply(ApiModel):
    """One difference; `position` is null if it is not in one event."""

    position: int | None
    stream: str | None
    in_: str = Field(alias="in")
    stored: str
    made: str


class ReportReply(ApiModel):
    """A replay's counts and differences; `read_models` is null if none was compared."""

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
    """A replay that runs or has ended."""

    replay_id: str
    status: Literal["running", "done", "failed", "interrupted"]
    as_of: str | None
    started_at: str
    ended_at: str | None
    progress: ProgressReply
    result: Literal["equal", "different"] | None
    report: ReportReply | None
