"""What has happened to bills, institutions and rules. Frozen facts in past tense.

Names and members are the stored format, as in `events.py`. Money in fen.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import Category, Part, Reason, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeLine:
    """One line of the personal part."""

    line: str
    category: Category
    part: Part
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A patient's bill at an institution, as it was decided on. No personal data.

    `credential` is the keyed digest (hex) of the e-credential that was shown, as `CodeShown`
    has it; None where the patient was named otherwise. Numbers of persons and cards are not
    kept so: their digests are how a person is found, and go when he is erased.
    """

    beneficiary: StreamId
    institution: StreamId
    visit: str
    charge_batch: str
    med_type: str
    treated_at: datetime
    total_fen: int
    fund_pay_fen: int
    use_account: bool
    lines: tuple[FeeLine, ...] | None
    credential: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerShare:
    """What one payer could give, what bound him, what he gave, and why if he gave nothing."""

    account: StreamId | None
    binding: StreamId | None
    available_fen: int
    limit_fen: int | None
    limit: str | None
    current_fen: int
    prior_fen: int
    reason: Reason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A bill was split: its inputs, what was read, and every payer considered, own first."""

    claim: Claim
    place_region: str
    editions: dict[str, str]
    read: dict[StreamId, int]
    payers: tuple[PayerShare, ...]
    reasons: tuple[Reason, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int
    own_after_fen: int | None
    changed: bool
    hold: StreamId | None
    settled_at: datetime
    on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementRefused:
    """A rule refused the claim on what was stored then; nothing moved."""

    claim: Claim
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCancelled:
    """The whole settlement was taken back; every debit returned to where it came from."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerReturn:
    """What goes back to one payer, by the buckets it was debited from."""

    account: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRefunded:
    """A part of the bill was taken back (policy.md §3.4): from which lines, and to whom.

    `lines` are line numbers with fen, or None where the claim has no lines.
    """

    reason: str
    amount_fen: int
    lines: tuple[tuple[str, int], ...] | None
    payers: tuple[PayerReturn, ...]
    own_fen: int
    aid_fen: int
    cash_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementReversed:
    """A command of unknown outcome was undone: whatever it did is returned.

    As the first event of its stream it is a tombstone: its command came never, or too late.
    `undone` is the keyed digest of that command's key.
    """

    institution: StreamId
    undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryDue:
    """A payer had ended before this was settled: his part is to be recovered, not reversed."""

    account: StreamId
    amount_fen: int
    ended_on: date
