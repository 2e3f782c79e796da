"""What is answered: shapes and examples for OpenAPI. Stored answers are held to them in tests."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.problem_texts import TEXTS
from api.reply_parts import Payer, PayerReason, Reply, Returned, Stays


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


class OrderReply(Reply):
    """A deduction order; `sponsors` is null before one was set."""

    sponsors: list[str | None] | None
    version: int
    position: int


class CapsReply(Reply):
    """A sponsor's caps in yuan; null is no limit."""

    per_settlement: str | None
    per_day: str | None
    per_month: str | None
    per_year: str | None


class BindingReply(Reply):
    """A binding between a sponsor and a beneficiary (person numbers)."""

    binding_id: str
    sponsor: str | None
    beneficiary: str | None
    relation: str
    uses: list[str]
    caps: CapsReply
    status: Literal["invited", "active", "declined", "expired", "released", "ended"]
    valid_from: str
    valid_until: str | None
    version: int
    position: int


class BindingsReply(Reply):
    """A page of bindings, newest first."""

    items: list[dict[str, Any]]
    next: str | None


class QuoteReply(Reply):
    """What settling now would answer; show it, then settle with `plan_hash`."""

    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    own_account: str
    payers: list[Payer]
    reasons: list[PayerReason]
    policy_edition: str
    plan_hash: str
    expires_at: str
    position: int


class SettlementReply(Reply):
    """A settlement. Own account first, then the sponsors in order, the rest in cash."""

    model_config = ConfigDict(extra="allow")

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed", "refused"]
    outcome: Literal["applied", "not_applied"]
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    own_account: str
    payers: list[Payer]
    own_balance_after: str | None
    reasons: list[PayerReason]
    policy_edition: str
    settled_at: str
    stays: Stays | None = None
    position: int


class RefusedReply(Reply):
    """A claim that a rule refused: it has an id, and why."""

    settlement_id: str
    status: Literal["refused"]
    outcome: Literal["not_applied"]
    code: str
    position: int


class PartReply(Reply):
    """What a sponsor sees of a settlement: his own part."""

    settlement_id: str
    status: Literal["settled", "part_refunded", "cancelled", "reversed"]
    outcome: Literal["applied"]
    settled_at: str
    paid_by_you: str
    position: int


class CancellationReply(Reply):
    """A settlement taken back whole."""

    settlement_id: str
    status: Literal["cancelled"]
    outcome: Literal["applied"]
    returned: Returned
    own_balance_after: str | None
    cancelled_at: str
    reason: str
    position: int


class ListedSettlement(Reply):
    """A settlement in a list; `position` is where it was decided, `day` the business day."""

    settlement_id: str
    status: str
    outcome: Literal["applied", "not_applied"]
    code: str | None
    visit: str
    charge_batch: str
    day: str
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    recorded_at: str
    cancelled_at: str | None
    version: int
    position: int


class SettlementsReply(Reply):
    """A page of settlements, newest first; refused claims are among them."""

    items: list[ListedSettlement]
    next: str | None


class EventReply(Reply):
    """One event of the log, without its sealed member. Amounts in fen."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: str
    actor: str
    channel: str
    on_behalf_of: str | None
    event: dict[str, Any]


class DialectReply(Reply):
    """How an institution's system writes and reads the national messages."""

    mulaid_mode: Literal["contained", "beside"]
    fund_includes_acct: bool
    numbers: bool
    stmt_rslt: Literal["national", "hubei"]


class SignatureReply(Reply):
    """How an institution signs; its secret is never shown."""

    style: Literal["x-tif", "csb", "x-ca", "sm2", "none"]
    paasid: str | None
    has_secret: bool


class InstitutionReply(Reply):
    """A designated institution."""

    code: str
    name: str
    class_: str = Field(alias="class")
    region: str
    status: str
    opened_regions: list[str]
    sensitive: bool
    dialect: DialectReply
    signature: SignatureReply | None
    version: int
    position: int


class PolicyReply(Reply):
    """A region's published editions, oldest first."""

    region: str
    editions: list[dict[str, Any]]


class LiveReply(Reply):
    """The process answers."""

    status: Literal["alive"]


class ReadyReply(Reply):
    """The ledger answers; `position` is its newest event's."""

    status: Literal["ready"]
    position: int


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `outcome` says whether anything was applied."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(json_schema_extra={"enum": [*TEXTS]})
    outcome: Literal["applied", "not_applied", "unknown"]
    trace_id: str


class ClaimAnswer(Reply):
    """What became of one claim of a batch: a `settlement`, or a `problem`.

    `status_code` and `outcome` are what the claim would have got alone; `key` is null where
    none was readable.
    """

    key: str | None
    status_code: int
    outcome: Literal["applied", "not_applied", "unknown"]
    replayed: bool | None = None
    settlement: SettlementReply | None = None
    problem: Problem | None = None


class BatchReply(Reply):
    """What became of each claim of a batch, in the batch's order."""

    items: list[ClaimAnswer]
