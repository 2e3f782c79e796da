"""A patient with sponsors, and a guardian who is no sponsor, on a ledger in memory."""

from datetime import UTC, datetime
from typing import NamedTuple

from aggregates.credential_link.events import CodeShown
from aggregates.settlement.events import Settled
from aggregates.vocabulary import Insurance, Relation
from service.context import ServiceContext
from service.ledger.memory_store import MemoryStore
from tests.cases.reading import Bound, CapsInYuan, Counter, Person, Step, yuan
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import P0, Outcome


class Life(NamedTuple):
    """A family and a bill, drawn."""

    own_fen: int | None
    sponsors: tuple[tuple[int, int | None], ...]
    guardian_fen: int
    personal_fen: int
    relation: Relation


async def come(driver: ServiceDriver, life: Life) -> None:
    """The patient A, the sponsors, and a guardian G who is no sponsor."""
    await driver.furnish((P0,))
    driver.clock.at = datetime(2026, 3, 2, 2, tzinfo=UTC)
    await must(driver, Step(do="designate", counter=Counter()))
    insurance = Insurance.RESIDENT if life.own_fen is None else Insurance.EMPLOYEE
    money = {"A": life.own_fen or 0, "G": life.guardian_fen}
    money |= {f"S{number}": own for number, (own, _) in enumerate(life.sponsors)}
    for who, own_fen in money.items():
        is_patient = who == "A"
        opening = Person(insurance=insurance if is_patient else Insurance.EMPLOYEE)
        await must(driver, Step(do="open", who=who, person=opening))
        if own_fen:
            await must(driver, Step(do="credit", who=who, amount=yuan(own_fen)))
    for number, (_, cap) in enumerate(life.sponsors):
        offer = Bound(sponsor=f"S{number}", caps=CapsInYuan(per_settlement=cap))
        await must(driver, Step(do="relate", by=offer.sponsor, relation=offer.relation))
        await must(driver, Step(do="invite", offer=offer))
        await must(driver, Step(do="confirm", binding=f"S{number}>A"))


async def must(driver: ServiceDriver, step: Step, **before: Outcome) -> Outcome:
    outcome = await driver.do(step, before)
    assert outcome.refused is None, (step, outcome)
    return outcome


def settled_in(context: ServiceContext | None) -> list[Settled]:
    assert context is not None
    assert isinstance(context.store, MemoryStore)
    return [r.event for r in context.store.log if isinstance(r.event, Settled)]


def shown_in(context: ServiceContext | None) -> list[CodeShown]:
    assert context is not None
    assert isinstance(context.store, MemoryStore)
    return [r.event for r in context.store.log if isinstance(r.event, CodeShown)]
