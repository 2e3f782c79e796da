"""Events of settlements, and the values they hold. Names and members are the stored format.

Money in fen.
"""

from dataclasses import dataclass
from datetime import date, datetime

from aggregates.vocabulary import Category, CredentialProof, Part, Reason, StreamId


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeLine:
    """One line of the personal part."""

    line: str
    category: Category
    part: Part
    amount_fen: int


READING = 1
"""The reading of the rules for new claims.

0, of earlier releases: `med_types_allowed` lists whole codes, and a sponsor is not needed on a bill
of which aid may pay nothing. 1: `med_types_allowed` and `med_types_refused` are prefixes, and such
a bill is not payable by aid.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A patient's bill at an institution, as it was decided on. It holds no personal data.

    `credential` is the keyed digest (hex) of the e-credential that was shown, as in `CodeShown`;
    None where the patient was identified otherwise. The digest of a person's or card's number is
    not stored here: it finds the person, and is deleted when the person is erased. `proven_by`
    says what was shown; claims of earlier releases do not state it. `reading` is how the rules were
    read, so that every claim is decided again as it was. Without `use_aid` the patient wants no
    sponsor to pay. `authoriser_code` is the keyed digest of a sponsor's code that was shown.
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
    proven_by: CredentialProof = CredentialProof.NONE
    reading: int = 0
    use_aid: bool = True
    authoriser_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerShare:
    """What one payer could give, the cap that applied, what was taken, and why if nothing was.

    With `from_pool` the money is that family pool's, in one bucket (`current_fen`), and `account`
    is the pool's owner.
    """

    account: StreamId | None
    binding: StreamId | None
    available_fen: int
    limit_fen: int | None
    limit: str | None
    current_fen: int
    prior_fen: int
    reason: Reason | None
    from_pool: StreamId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A bill was split. `read` is the version of every stream read; `payers` has own first.

    `settled_at` is when; caps count it on the Beijing day `on`, of a captured hold the day it was
    held.
    """

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
    """A rule refused the claim on what was stored then; no money moved."""

    claim: Claim
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCancelled:
    """The whole settlement was taken back; every debit returned to where it came from."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PayerReturn:
    """What one payer gets back, by the buckets it was debited from."""

    account: StreamId
    binding: StreamId | None
    current_fen: int
    prior_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRefunded:
    """A part of the bill was refunded (policy.md §3.4): from which lines, and to whom.

    `lines` are line numbers with fen; None where the claim has no lines.
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
    """A command of unknown outcome was undone (冲正), and its money returned.

    As the first event of its stream it is a tombstone: the command had not arrived, and is refused
    when it does. `undone` is the keyed digest of that command's key.
    """

    institution: StreamId
    undone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryDue:
    """A payer's account had ended before this was settled: the part is recovered, not reversed."""

    account: StreamId
    amount_fen: int
    ended_on: date
