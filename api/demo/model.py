"""What a demo is told from: members, places, and the steps of a family's day, as plain values."""

from typing import NamedTuple

from aggregates.vocabulary import InstitutionKind, InstitutionStatus, Relation, Use


class Member(NamedTuple):
    """A person. `fen` is this year's money, None for a resident without an account."""

    number: str
    zh: str
    en: str
    fen: int | None
    prior_fen: int = 0


class Place(NamedTuple):
    """An institution where bills are paid."""

    code: str
    kind: InstitutionKind
    region: str
    zh: str
    status: InstitutionStatus = InstitutionStatus.ACTIVE


class Bind(NamedTuple):
    """A sponsor shares with a beneficiary, as `relation`; caps in fen.

    `agrees` is the answer where the region asks for one, None while there is none yet.
    With `days_ago` the agency registers what both agreed to then.
    """

    sponsor: str
    beneficiary: str
    relation: Relation
    bill_cap_fen: int | None = None
    day_cap_fen: int | None = None
    uses: tuple[Use, ...] = (Use.CARE, Use.PREMIUM)
    agrees: bool | None = True
    days_ago: int | None = None


class Order(NamedTuple):
    """A patient says which sponsor pays first."""

    patient: str
    sponsors: tuple[str, ...]


class Report(NamedTuple):
    """The agency learns how an account stands; `zh` and `en` follow the member's name.

    With `day_before` it holds from the day before that bill was settled.
    """

    member: str
    status: str
    zh: str
    en: str
    day_before: str | None = None


class File(NamedTuple):
    """A patient files to be treated at a place; `zh` and `en` follow the member's name."""

    patient: str
    region: str
    zh: str
    en: str


class Release(NamedTuple):
    """A sponsor takes a grant back."""

    sponsor: str
    beneficiary: str


class Bill(NamedTuple):
    """A bill in fen under a name of its own; `zh` and `en` follow the patient's name.

    `lines` are number, category, part and fen. `visit` is another bill's name where the same
    visit is sent a second time.
    """

    name: str
    patient: str
    place: str
    med_type: str
    total_fen: int
    fund_fen: int
    zh: str
    en: str
    lines: tuple[tuple[str, str, str, int], ...] | None = None
    use_account: bool = True
    visit: str | None = None


class Repeat(NamedTuple):
    """The counter sends a bill once more, under the same key."""

    bill: Bill


class Quote(NamedTuple):
    """The counter asks first what a bill would take; `sponsors` in their order."""

    bill: Bill
    sponsors: tuple[str, ...]


class Rethink(NamedTuple):
    """A bill is quoted, the order changes, and the quote does not hold any more.

    `refused` is the bill as first sent, with the old quote; `settled` under the new one.
    """

    before: tuple[str, ...]
    after: tuple[str, ...]
    refused: Bill
    settled: Bill


class Cancel(NamedTuple):
    """The counter takes a settled bill back."""

    bill: Bill


AtHome = Bind | Order | Report | File | Release
AtTheCounter = Bill | Repeat | Quote | Rethink | Cancel
Step = AtHome | AtTheCounter


class Family(NamedTuple):
    """A family of one region, what its day shows, and the steps of it."""

    region: str
    zh: str
    en: str
    members: tuple[Member, ...]
    steps: tuple[Step, ...]
