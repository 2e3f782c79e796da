"""The scenario files: what a case says, read strictly.

A file holds `[[case]]` tables: what is given, a list of steps, and what must be so after the
last one. Money is text in yuan; `A` is the patient where nobody else is named.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, ConfigDict, Field, TypeAdapter

from aggregates.policy.choices import PremiumType
from aggregates.vocabulary import (
    Bucket,
    Category,
    FilingKind,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    KinshipEvidence,
    LinkEvidence,
    Part,
    Relation,
    Use,
)

FOLDER = Path(__file__).parent
HOME = "990000"

Level = Literal["rules", "house", "door", "process"]
"""The lowest room a case can be told in: rules alone, use cases, HTTP, a whole process."""

Verb = Literal[
    "open",
    "credit",
    "status",
    "flag",
    "designate",
    "clock",
    "invite",
    "confirm",
    "decline",
    "change",
    "release",
    "set_order",
    "quote",
    "settle",
    "cancel",
    "refund",
    "replace",
    "reverse",
    "hold",
    "capture",
    "let_go",
    "clear",
    "premium",
    "reverse_premium",
    "look_premium",
    "tax",
    "resolve",
    "file",
    "relate",
    "link",
    "agree",
    "judge",
    "review",
    "activate",
    "show",
    "unlink",
    "look",
    "open_pool",
    "to_pool",
    "from_pool",
    "publish",
    "together",
]
VERBS: tuple[str, ...] = get_args(Verb)


def fen(yuan: object) -> int:
    """Text in yuan as whole fen, exactly."""
    assert isinstance(yuan, str), f"money is text in yuan: {yuan!r}"
    amount = Decimal(yuan) * 100
    assert amount == int(amount), f"not whole fen: {yuan}"
    return int(amount)


def yuan(amount_fen: int) -> str:
    """Fen as yuan with two decimals."""
    return f"{Decimal(amount_fen) / 100:.2f}"


Fen = Annotated[int, BeforeValidator(fen)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """An insured person. Only text instead of a table is his current balance, or "resident".

    Without a `name` he is called as he is named in the case.
    Who is of unknown sex has another certificate than an ID number.
    """

    current: Fen = 0
    prior: Fen = 0
    insurance: Insurance = Insurance.EMPLOYEE
    status: str = "NORMAL"
    region: str = HOME
    flags: tuple[str, ...] = ()
    name: str = ""
    sex: Literal["F", "M", "unknown"] = "F"
    born: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CapsInYuan:
    """A sponsor's own caps."""

    per_settlement: Fen | None = None
    per_day: Fen | None = None
    per_month: Fen | None = None
    per_year: Fen | None = None
    total: Fen | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A binding there is. Only text instead of a table is the sponsor of `A`.

    Without `confirmed_at` the first one listed is of 2025-01-01, the next of 2025-01-02, ….
    """

    sponsor: str
    beneficiary: str = "A"
    relation: Relation = Relation.SIBLING
    uses: tuple[Use, ...] = (Use.CARE,)
    caps: CapsInYuan = CapsInYuan()
    confirmed_at: datetime | None = None
    valid_from: date | None = None
    valid_until: date | None = None
    accepted: bool = True
    rank: int | None = None
    evidence: KinshipEvidence | None = None
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """The institution that sends the bills."""

    code: str = "H99000000001"
    kind: InstitutionKind = InstitutionKind.HOSPITAL
    region: str = HOME
    status: InstitutionStatus = InstitutionStatus.ACTIVE
    opened_regions: tuple[str, ...] = ()


def _person(stated: object) -> object:
    if stated == "resident":
        return {"insurance": "resident"}
    return {"current": stated} if isinstance(stated, str) else stated


def _bound(stated: object) -> object:
    return {"sponsor": stated} if isinstance(stated, str) else stated


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The world before the first step.

    `policy` changes keys of P0 at home; `regions` are further regions, each P0 with changes;
    `shipped` are regions with all their editions as the service ships them.
    Before an invitation the register is told how the two are related, unless they are `strangers`
    or the sponsor shows evidence of his own.
    """

    at: datetime = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)
    policy: Mapping[str, Any] = field(default_factory=dict)
    regions: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    shipped: tuple[str, ...] = ()
    people: Mapping[str, Annotated[Person, BeforeValidator(_person)]] = field(default_factory=dict)
    bound: tuple[Annotated[Bound, BeforeValidator(_bound)], ...] = ()
    order: tuple[str, ...] | None = None
    counter: Counter = Counter()
    strangers: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Expect:
    """What must be so after a step; what is not stated may be anything.

    `refused` is a code, or "*" for any; `own` is an amount or a reason; `aid` lists
    "who amount" or "who REASON" in paying order; `left` is current and prior money afterwards;
    `recover` is what is marked for recovery, by the name of the settlement; `aside` is what is
    kept aside for somebody; `pool` is what is in somebody's family pool;
    `either` is one way two at once may come out, an expectation per step, for each such way.
    """

    own: str | None = None
    aid: tuple[str, ...] | None = None
    cash: str | None = None
    reasons: tuple[str, ...] | None = None
    refused: str | None = None
    status: str | None = None
    changed: bool | None = None
    same_as: str | None = None
    plan: "Expect | None" = None
    left: Mapping[str, tuple[Fen, Fen]] = field(default_factory=dict)
    recover: Mapping[str, Fen] = field(default_factory=dict)
    aside: Mapping[str, Fen] = field(default_factory=dict)
    pool: Mapping[str, Fen] = field(default_factory=dict)
    either: "tuple[tuple[Expect, ...], ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens; `as` names its outcome for later steps.

    A binding is named "sponsor>beneficiary". A bill states `personal`, or `total` and `fund`,
    or `lines` of category, part and amount. `quoted` names the quote it is settled by.
    An order is set by the `version` stated, or by the newest one.
    A `status` of "reject" is the agency's no to what it may `judge` or `review`.
    Who confirms may name the `sponsors` in their order; a binding's warnings are its `reasons`.
    `flag` sets all `flags` on `who`.
    `relate` says what `who` is to `by`; a filing counts from `since` to `until`.
    What follows a bill names it with `of`; a reversal the key to `undo`; a refund its `amount`,
    or what goes `back` of which line; a clearing goes `until` a day.
    A display without a link is of the sponsor's own code; `authoriser` names the outcome of one.
    A link is named "guardian>member"; `shown` and `credential` name the outcome of a display,
    and what names none is the code itself, or for `credential` somebody's number.
    `who` moves an `amount` into the family pool, opened before, and takes all back from it.
    A premium of an `insurance` and `tier` is paid by `by` for `who`; `tax` says how the tax side
    behaves from now on, and `resolve` takes on what it has not answered.
    """

    do: Verb
    as_: Annotated[str, Field(alias="as")] = ""
    by: str = ""
    who: str = "A"
    reference: str = ""
    then: Expect = Expect()
    # money, status, time
    amount: str = "0.00"
    bucket: Bucket = Bucket.CURRENT
    status: str = "NORMAL"
    effective_on: date | None = None
    successor: str = ""
    to: datetime | None = None
    person: Person | None = None
    counter: Counter | None = None
    flags: tuple[str, ...] = ()
    # bindings and order
    binding: str = ""
    offer: Annotated[Bound, BeforeValidator(_bound)] | None = None
    sponsors: tuple[str, ...] = ()
    rank: int | None = None
    version: int | None = None
    relation: Relation = Relation.SIBLING
    place: str = HOME
    kind: FilingKind = FilingKind.TEMPORARY
    since: date = date(2025, 1, 1)
    until: date | None = None
    policy: Mapping[str, Any] = field(default_factory=dict)
    link: str = ""
    proof: LinkEvidence = LinkEvidence.HOUSEHOLD_PAGE
    # bills
    personal: str = "0.00"
    total: str | None = None
    fund: str = "0.00"
    lines: tuple[tuple[Category, Part, str], ...] | None = None
    use_account: bool = True
    use_aid: bool = True
    authoriser: str = ""
    med_type: str = "11"
    visit: str = ""
    key: str = ""
    quoted: str = ""
    of: str = ""
    undo: str = ""
    back: tuple[tuple[str, str], ...] = ()
    expires_in: int = 900
    credential: str = ""
    shown: str = ""
    year: int = 2027
    insurance: PremiumType = PremiumType.RESIDENT_BASIC
    tier: str | None = None
    behaviour: str = "normal"
    steps: "tuple[Step, ...]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row of the tables: what is given, what happens, what must be so then."""

    id: str
    says: str
    level: Level = "rules"
    given: Given = Given()
    when: tuple[Step, ...]
    then: Expect = Expect()


_CASES = TypeAdapter(tuple[Case, ...], config=ConfigDict(extra="forbid"))


def read_cases() -> dict[str, Case]:
    """Every case of every file, by id; an id is used once."""
    cases: dict[str, Case] = {}
    for path in sorted(FOLDER.glob("*.toml")):
        stated = tomllib.loads(path.read_text(encoding="utf-8"))
        assert set(stated) == {"case"}, path.name
        for case in _CASES.validate_python(stated["case"]):
            assert case.id not in cases, f"{case.id} is told twice"
            assert case.when, f"{case.id} says nothing"
            cases[case.id] = case
    return cases
