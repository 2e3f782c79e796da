"""What has happened to bills, institutions and rules. Frozen facts in past tense.

Names and members are the stored format, as in `events.py`. Money in fen.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import (
    Category,
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    Part,
    Reason,
    Relation,
    SignatureStyle,
    StatementWords,
    StreamId,
)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How an institution's system writes and reads the national messages.

    `numbers` says whether amounts are JSON numbers; otherwise they are strings.
    """

    mulaid_mode: MulaidMode
    fund_includes_acct: bool
    numbers: bool
    stmt_rslt: StatementWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """How an institution signs, and under which name; its secret is kept sealed beside it."""

    style: SignatureStyle
    paasid: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstitutionDesignated:
    """An institution is, or is again, under agreement with these particulars.

    `sealed` is the secret of its signature as ciphertext. Without a signature nobody has said
    yet how it signs.
    """

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool
    dialect: Dialect
    signature: Signature | None
    sealed: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsCleared:
    """The institution was paid for its settlements up to and including a business day."""

    through: date


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingRequested:
    """The institution applied to be paid for a month (清算申请), and stated what it comes to.

    `month` is its first day, `kind` the kind of clearing or 99 for all. Nothing is paid by it.
    """

    month: date
    kind: str
    total_fen: int
    fund_pay_fen: int | None
    account_fen: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearingWithdrawn:
    """The institution took its application for a month back."""

    month: date
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionPublished:
    """A region's rules from a day on; `content` is the edition in canonical JSON."""

    region: str
    edition: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipRecorded:
    """The register knows what `relative` is to the person of this stream."""

    person: StreamId
    relative: StreamId
    relation: Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class KinshipEnded:
    """The register does not hold this kinship any more."""

    relative: StreamId
