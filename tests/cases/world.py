"""A case played on a driver: the world built from what is given, then step by step.

What is given becomes steps too, so a driver only has to know the verbs.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from aggregates.policy.edition import Edition
from aggregates.vocabulary import BEIJING, Bucket
from service.regions.canonical import LATER_KEYS, canonical, from_canonical
from service.regions.policy_book import load
from service.regions.policy_checks import unsound
from tests.cases.reading import HOME, Bound, Case, Expect, Given, Person, Step, fen, yuan

SHIPPED = load(Path(__file__).parents[2] / "service" / "regions")
P0 = SHIPPED.editions(HOME)[0]
FIRST_BOUND_AT = datetime(2025, 1, 1, 9, 0, tzinfo=BEIJING)


class NotBuiltError(Exception):
    """The driver has no such verb yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a step led to. `own` and `aid` are amounts or reasons, in paying order."""

    refused: str | None = None
    own: str | None = None
    aid: tuple[str, ...] = ()
    cash: str | None = None
    reasons: tuple[str, ...] = ()
    status: str | None = None
    changed: bool = False
    subject: str = ""
    code: str = ""
    plan: "Outcome | None" = None
    plan_hash: str = ""


class Driver(Protocol):
    """A room that can be asked to do things. A refusal is an outcome, not an exception."""

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """Begin with these rules and nobody."""
        ...

    async def do(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        """Do one step, any verb but `together`; `before` are the named outcomes so far.

        Raises:
            NotBuiltError: there is no such verb yet.
        """
        ...

    async def left(self, who: str) -> tuple[int, int]:
        """A person's current and prior money in fen."""
        ...

    async def to_recover(self, settlement: str) -> int:
        """What is marked for recovery of a settlement, in fen."""
        ...

    async def kept_aside(self, who: str) -> int:
        """What came back to a person who may not take it, in fen."""
        ...

    async def pooled(self, who: str) -> int:
        """What is in a person's family pool, in fen; 0 without one."""
        ...


def changed(edition: Edition, changes: Mapping[str, Any]) -> Edition:
    """An edition with some keys changed, named by their dotted paths; "none" is None."""
    content = json.loads(canonical(edition))
    for path, value in changes.items():
        *sections, key = path.split(".")
        section = content
        for name in sections:
            section = section[name]
        assert key in section or (*sections, key) in LATER_KEYS, f"{path} is no key"
        section[key] = _in_json(value)
    return from_canonical(json.dumps(content).encode())


def _in_json(value: Any) -> Any:  # noqa: ANN401 -- whatever a key may be
    if isinstance(value, Mapping):
        return {key: _in_json(part) for key, part in value.items()}
    return None if value == "none" else value


def editions_of(given: Given) -> tuple[Edition, ...]:
    """The rules of every region of a case."""
    regions = {HOME: given.policy, **given.regions}
    editions = tuple(
        replace(changed(P0, changes), id=f"case/{region}", region=region)
        for region, changes in regions.items()
    )
    for edition in editions:
        assert [] == list(unsound(edition)), "a case is told under rules that can be published"
    return editions + tuple(e for region in given.shipped for e in SHIPPED.editions(region))


def opening(given: Given) -> Iterator[Step]:
    """The steps that lead to what is given, oldest first."""
    dated = [
        (bound.confirmed_at or FIRST_BOUND_AT + timedelta(days=number), bound)
        for number, bound in enumerate(given.bound)
    ]
    dated.sort(key=lambda pair: pair[0])
    yield Step(do="clock", to=dated[0][0] if dated else given.at)
    for who, person in given.people.items():
        yield Step(do="open", who=who, person=person)
    yield Step(do="designate", counter=given.counter)
    for at, bound in dated:
        yield Step(do="clock", to=at)
        yield from _binding(bound, given)
    yield Step(do="clock", to=given.at)
    for who, person in given.people.items():  # in the year it is told in, or it would be prior
        yield from _money(who, person)
    if given.order is not None:
        yield Step(do="set_order", by="agency", sponsors=given.order)
    for who, person in given.people.items():
        if person.status != "NORMAL":
            yield Step(do="status", who=who, status=person.status)


def _money(who: str, person: Person) -> Iterator[Step]:
    for bucket, amount_fen in ((Bucket.CURRENT, person.current), (Bucket.PRIOR, person.prior)):
        if amount_fen:
            yield Step(do="credit", who=who, amount=yuan(amount_fen), bucket=bucket)


def _binding(bound: Bound, given: Given) -> Iterator[Step]:
    invited = Step(do="invite", by=bound.sponsor, offer=bound)
    yield from kinship_before(invited, given)
    yield invited
    if bound.accepted:
        binding = f"{bound.sponsor}>{bound.beneficiary}"
        yield Step(do="confirm", by=bound.beneficiary, binding=binding)


def kinship_before(step: Step, given: Given) -> Iterator[Step]:
    """What the register is told so that this invitation can be."""
    offer = step.offer
    if step.do != "invite" or offer is None or offer.evidence is not None or given.strangers:
        return
    if offer.sponsor != offer.beneficiary:
        yield Step(do="relate", by=offer.sponsor, who=offer.beneficiary, relation=offer.relation)


async def play(case: Case, driver: Driver) -> None:
    """Play a case and hold its outcomes against what it expects.

    Raises:
        AssertionError: something is not so; NotBuiltError: a verb the driver does not have.
    """
    await driver.furnish(editions_of(case.given))
    for step in opening(case.given):
        await _must_do(step, driver)
    named: dict[str, Outcome] = {}
    *earlier, last = case.when
    for step in (*earlier, replace(last, then=case.then)):
        for fact in kinship_before(step, case.given):
            await _must_do(fact, driver)
        await _play_step(step, tuple(case.given.people), driver, named)


async def _must_do(step: Step, driver: Driver) -> None:
    outcome = await driver.do(step, {})
    assert outcome.refused is None, f"what is given cannot be: {step.do} {outcome.refused}"


async def _play_step(
    step: Step, people: Sequence[str], driver: Driver, named: dict[str, Outcome]
) -> None:
    before = await _funds(step, people, driver)
    if step.do == "together":
        outcomes = await asyncio.gather(*(driver.do(one, named) for one in step.steps))
        either = step.then.either
        assert any(_is_so(step, way, outcomes) for way in either), f"none of either: {outcomes}"
    elif step.do == "publish":
        complaints = [key for key, _ in unsound(changed(P0, step.policy))]
        _compare(step, step.then, Outcome(refused=next(iter(complaints), None)), named)
    else:
        outcome = await driver.do(step, named)
        if step.as_:
            named[step.as_] = outcome
        _compare(step, step.then, outcome, named)
        _check_moved(step, before, await _funds(step, people, driver))
    for who, expected in step.then.left.items():
        _must(step, f"what {who} has left", expected, await driver.left(who))
    for name, due in step.then.recover.items():
        found = await driver.to_recover(named[name].subject)
        _must(step, f"what is to be recovered of {name}", due, found)
    for who, aside in step.then.aside.items():
        _must(step, f"what is kept aside for {who}", aside, await driver.kept_aside(who))
    for who, pooled in step.then.pool.items():
        _must(step, f"what is in the pool of {who}", pooled, await driver.pooled(who))


async def _funds(step: Step, people: Sequence[str], driver: Driver) -> dict[str, int]:
    """What each person has in fen, with the pool of those whose pool the step looks at."""
    funds = {who: sum(await driver.left(who)) for who in people}
    for who in step.then.pool:
        funds[who] += await driver.pooled(who)
    return funds


def _is_so(step: Step, expected: tuple[Expect, ...], outcomes: Sequence[Outcome]) -> bool:
    """Whether this is how two at once came out."""
    try:
        for one, outcome in zip(expected, outcomes, strict=True):
            _compare(step, one, outcome, {})
    except AssertionError:
        return False
    return True


def _must(step: Step, what: str, expected: object, actual: object) -> None:
    assert expected == actual, f"{step.do}: {what} must be {expected!r} and is {actual!r}"


def _compare(step: Step, expected: Expect, outcome: Outcome, named: Mapping[str, Outcome]) -> None:
    """Whatever is expected is so; a refusal nobody expects is never so."""
    if expected.refused != "*" or outcome.refused is None:
        _must(step, "refused", expected.refused, outcome.refused)
    for name in ("own", "cash", "reasons", "status", "changed"):
        wanted = getattr(expected, name)
        if wanted is not None:
            _must(step, name, wanted, getattr(outcome, name))
    if expected.aid is not None:
        _must(step, "aid", tuple(share.split()[1] for share in expected.aid), outcome.aid)
    if expected.same_as is not None:
        _must(step, "the repeat", named[expected.same_as], outcome)
    if expected.plan is not None:
        assert outcome.plan is not None, "a refused plan comes with the new one"
        _compare(step, expected.plan, outcome.plan, named)


def _check_moved(step: Step, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Money left exactly those who paid; a quote, a refusal and a repeat move nothing."""
    expected = step.then
    stays = step.do == "quote" or expected.refused is not None or expected.same_as is not None
    if not stays and (step.do != "settle" or expected.own is None or expected.aid is None):
        return
    paid = dict.fromkeys(before, 0)
    if not stays:
        assert expected.own is not None
        assert expected.aid is not None
        for share in (f"{step.who} {expected.own}", *expected.aid):
            who, amount = share.split()
            paid[who] += 0 if amount[0].isalpha() else fen(amount)
    moved = {who: before[who] - after[who] for who in before}
    _must(step, "what left the accounts", paid, moved)
