"""Bodies and answers as they are on the wire; a test of the service compares them with OpenAPI.

Amounts are strings of yuan with two decimals, times RFC 3339, positions places in the log. Texts of
a fixed set are `str` here: the service may learn more words.
"""

from typing import Any, NotRequired, TypedDict


class IdentityJson(TypedDict):
    """Who a patient is, or what he showed."""

    type: str
    value: str


class LineJson(TypedDict):
    """A part of the personal part of a bill; `amount` in yuan."""

    line: str
    category: str
    part: NotRequired[str]
    amount: str


class ClaimJson(TypedDict):
    """A bill; amounts in yuan."""

    beneficiary: IdentityJson
    visit: str
    charge_batch: str
    med_type: str
    treated_at: str
    total: str
    fund_pay: str
    use_account: NotRequired[bool]
    lines: NotRequired[list[LineJson] | None]
    credential: NotRequired[IdentityJson | None]
    plan_hash: NotRequired[str | None]
    use_aid: NotRequired[bool | None]
    authoriser_code: NotRequired[str | None]


class PayerJson(TypedDict):
    """Somebody considered as a payer, and what he paid in yuan."""

    rank: int
    role: str
    amount: str
    reason: str | None
    account: NotRequired[str]
    binding_id: NotRequired[str | None]


class PlanJson(TypedDict):
    """Who would pay what, and until when that is promised."""

    own: str
    aid: str
    cash: str
    total: str
    fund_pay: str
    personal: str
    own_account: str
    payers: list[PayerJson]
    reasons: list[str]
    policy_edition: str
    plan_hash: str
    expires_at: str


class QuoteJson(PlanJson):
    """What settling now would answer."""

    position: int


class RankedAmountJson(TypedDict):
    """A payer's part in yuan."""

    rank: int
    role: str
    amount: str


class RemainderJson(TypedDict):
    """What stays of a bill after refunds, in yuan."""

    own: str
    aid: str
    cash: str
    total: str
    fund_pay: str
    personal: str
    payers: list[RankedAmountJson]


class SettlementJson(TypedDict):
    """A settled bill: who paid what, in yuan."""

    own: str
    aid: str
    cash: str
    total: str
    fund_pay: str
    personal: str
    own_account: str
    changed: NotRequired[bool]
    beneficiary_account: NotRequired[str]
    payers: list[PayerJson]
    reasons: list[str]
    policy_edition: str
    settlement_id: str
    status: str
    outcome: str
    own_balance_after: str | None
    settled_at: str
    stays: NotRequired[RemainderJson | None]
    position: int


class RefusedJson(TypedDict):
    """A settlement that was refused."""

    settlement_id: str
    status: str
    outcome: str
    code: str
    position: int


class PartJson(TypedDict):
    """A settlement as one of its sponsors sees it."""

    settlement_id: str
    status: str
    outcome: str
    settled_at: str
    paid_by_you: str
    position: int


class ReturnedJson(TypedDict):
    """What went back, in yuan."""

    own: str
    aid: str
    cash: str


class CancellationJson(TypedDict):
    """A cancelled settlement."""

    settlement_id: str
    status: str
    outcome: str
    returned: ReturnedJson
    own_balance_after: str | None
    cancelled_at: str
    reason: str
    position: int


class RefundLineJson(TypedDict):
    """What goes back of one line, in yuan."""

    line: str
    amount: str


class RefundedJson(TypedDict):
    """What a refund returned, in yuan."""

    own: str
    aid: str
    cash: str
    amount: str
    payers: list[RankedAmountJson]


class RefundJson(TypedDict):
    """A refund and what stays."""

    settlement_id: str
    status: str
    outcome: str
    refunded: RefundedJson
    stays: RemainderJson
    reason: str
    position: int


class ReversalJson(TypedDict):
    """What a reversal undid; a tombstone where there was nothing yet."""

    settlement_id: str | None
    status: str
    outcome: str
    tombstone: bool
    returned: ReturnedJson
    position: int


class IdCardJson(TypedDict):
    """A person by identity card."""

    type: str
    value: str
    name: str


class EvidenceJson(TypedDict):
    """What shows a relation."""

    kind: str
    reference: NotRequired[str | None]


class CapsJson(TypedDict):
    """The most a sponsor pays, in yuan; null is no limit."""

    per_settlement: NotRequired[str | None]
    per_day: NotRequired[str | None]
    per_month: NotRequired[str | None]
    per_year: NotRequired[str | None]
    total: NotRequired[str | None]


class CapsStandJson(TypedDict):
    """The most a sponsor pays, in yuan; null is no limit."""

    per_settlement: str | None
    per_day: str | None
    per_month: str | None
    per_year: str | None
    total: str | None


class InvitationJson(TypedDict):
    """An invitation to be a beneficiary."""

    sponsor: NotRequired[str | None]
    beneficiary: str | IdCardJson
    relation: str
    evidence: NotRequired[EvidenceJson | None]
    consent: NotRequired[str | None]
    uses: NotRequired[list[str]]
    caps: NotRequired[CapsJson]
    valid_from: NotRequired[str | None]
    valid_until: NotRequired[str | None]
    rank: NotRequired[int | None]


class BindingJson(TypedDict):
    """A binding of a sponsor and a beneficiary."""

    binding_id: str
    sponsor: str | None
    beneficiary: str | None
    relation: str
    uses: list[str]
    caps: CapsStandJson
    status: str
    valid_from: str
    valid_until: str | None
    version: int
    warnings: NotRequired[list[str]]
    sponsor_name: str | None
    beneficiary_name: str | None
    relation_to_you: str | None
    position: int


class ConfirmationJson(TypedDict):
    """A beneficiary's yes."""

    consent: NotRequired[str | None]
    order: NotRequired[list[str] | None]


class OrderJson(TypedDict):
    """The order in which sponsors pay, to set."""

    sponsors: list[str]
    version: NotRequired[int]
    rank: NotRequired[int | None]


class OrderStandJson(TypedDict):
    """The order in which sponsors pay."""

    sponsors: list[str | None] | None
    version: int
    position: int


class BalanceJson(TypedDict):
    """What is on an account, in yuan."""

    current: str
    prior: str
    held: str
    available: str


class SuspenseJson(TypedDict):
    """Money set aside, in yuan."""

    ticket: str
    amount: str


class AccountJson(TypedDict):
    """An account; `name` is in clear for its owner, masked for others."""

    person_no: str
    name: NotRequired[str | None]
    region: str
    insured_place: str
    insurance: str
    status: str
    flags: list[str]
    credentials: list[str]
    balance: BalanceJson
    suspense: list[SuspenseJson]
    pool_id: NotRequired[str | None]
    version: int
    position: int


class EntryJson(TypedDict):
    """A movement of an account, in yuan."""

    position: int
    recorded_at: str
    kind: str
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
    institution_class: str | None
    text: str


class SponsorPartJson(TypedDict):
    """What a sponsor paid of a bill, in yuan."""

    name: str | None
    amount: str
    returned: str


class BillReturnedJson(TypedDict):
    """What was returned of a bill, in yuan."""

    own: str
    aid: str
    cash: str
    amount: str


class BillJson(TypedDict):
    """A patient's bill."""

    settlement_id: str
    status: str
    day: str
    treated_at: str
    institution: str
    institution_class: str
    total: str
    fund_pay: str
    personal: str
    own: str
    aid: str
    cash: str
    sponsors: list[SponsorPartJson]
    returned: BillReturnedJson
    text: str
    position: int


class ListedSettlementJson(TypedDict):
    """A settlement in a list."""

    own: str
    aid: str
    cash: str
    total: str
    fund_pay: str
    personal: str
    settlement_id: str
    status: str
    outcome: str
    code: str | None
    visit: str
    charge_batch: str
    day: str
    recorded_at: str
    cancelled_at: str | None
    version: int
    position: int


class LoggedEventJson(TypedDict):
    """An event of the log; amounts inside are fen."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: str
    actor: str
    channel: str
    on_behalf_of: str | None
    event: dict[str, Any]


class ProblemFieldJson(TypedDict):
    """A member of a request that is wrong."""

    field: str
    code: str


class ProblemJson(TypedDict):
    """An RFC 9457 problem; more members say more."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    outcome: str
    trace_id: str
    errors: NotRequired[list[ProblemFieldJson]]
    field: NotRequired[str]
    allowed: NotRequired[list[str]]
    binding_id: NotRequired[str]
    channel: NotRequired[str]
    cleared_through: NotRequired[str]
    closes: NotRequired[str]
    consent: NotRequired[str]
    current_status: NotRequired[str]
    earliest: NotRequired[str]
    floor: NotRequired[str]
    insurance: NotRequired[str]
    limit: NotRequired[int]
    link_id: NotRequired[str]
    minimum: NotRequired[str]
    nearest: NotRequired[str | None]
    next_on: NotRequired[str]
    open: NotRequired[list[str]]
    opens: NotRequired[str]
    per_month: NotRequired[int]
    plan: NotRequired[PlanJson]
    pool_id: NotRequired[str]
    position: NotRequired[int]
    premium_id: NotRequired[str]
    region: NotRequired[str]
    relation: NotRequired[str]
    replay_id: NotRequired[str]
    retry_after_s: NotRequired[int]
    role: NotRequired[str]
    scope: NotRequired[str]
    settlement_id: NotRequired[str]
    side: NotRequired[str]
    tier: NotRequired[str | None]
    transferable: NotRequired[str]
    version: NotRequired[int]
    what: NotRequired[str]
