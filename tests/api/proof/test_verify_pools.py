"""Family pools in the offline verifier: what the service writes holds, what is forged is found."""

import json
from collections.abc import AsyncIterator, Callable

import pytest

from tests.api.proof.tampering import Edit, Log, counted, edited, of_event, place, without
from tests.cases.reading import read_cases
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import play
from tests.exports import export_of, faults_in, leaves_of

CASES = read_cases()


async def rows_of(case: str) -> AsyncIterator[Log]:
    driver = ServiceDriver()
    await play(CASES[case], driver)
    assert driver.context is not None
    yield leaves_of(driver.context.store)
    await driver.close()


@pytest.fixture(scope="module")
async def paid() -> AsyncIterator[Log]:
    """A pool that is filled once a month, and pays a bill."""
    async for log in rows_of("RC1b"):
        yield log


@pytest.fixture(scope="module")
async def returned() -> AsyncIterator[Log]:
    """A pool that pays under a cap, gets a bill's money back, and pays again."""
    async for log in rows_of("FP6"):
        yield log


@pytest.fixture(scope="module")
async def taken_back() -> AsyncIterator[Log]:
    """A pool that goes back to its owner."""
    async for log in rows_of("FP7"):
        yield log


def more(member: str, fen: int) -> Edit:
    def edit(stored: dict[str, dict[str, int]]) -> None:
        stored["event"][member] += fen

    return edit


def of_rules(log: Log, **terms: object) -> Log:
    """Other terms of pools in the edition of the region, as if they had been published."""

    def edit(stored: dict[str, dict[str, str]]) -> None:
        content = json.loads(stored["event"]["content"])
        content["pool"].update(terms)
        stored["event"]["content"] = json.dumps(content)

    return edited(log, place(log, "policy.edition-published"), edit)


def on_demand(log: Log) -> Log:
    """As if the accounts had to pay."""

    def edit(stored: dict[str, dict[str, str]]) -> None:
        content = json.loads(stored["event"]["content"])
        stored["event"]["content"] = json.dumps(content | {"money_model": "ON_DEMAND"})

    return edited(log, place(log, "policy.edition-published"), edit)


def from_the_account(log: Log) -> Log:
    """The sponsor's account is said to have paid, and the pool did."""

    def edit(stored: dict[str, dict[str, list[dict[str, object]]]]) -> None:
        del stored["event"]["payers"][1]["from_pool"]

    return edited(log, place(log, "settlement.settled"), edit)


PAID: dict[str, tuple[Callable[[Log], Log], str]] = {
    "a pool paid more than its bill says": (
        lambda log: edited(log, place(log, "pool.debited"), more("amount_fen", 100)),
        "double entry",
    ),
    "more came into the pool than left the account": (
        lambda log: edited(log, place(log, "pool.funded"), more("amount_fen", 100)),
        "double entry",
    ),
    "money left the account for no pool": (
        lambda log: counted(without(log, place(log, "pool.funded"))),
        "double entry",
    ),
    "money came into the pool from no account": (
        lambda log: counted(without(log, place(log, "account.moved-to-pool"))),
        "double entry",
    ),
    "a pool that nobody opened": (
        lambda log: counted(without(log, place(log, "pool.opened"))),
        "life cycles",
    ),
    "a pool that the account does not know": (
        lambda log: counted(without(log, place(log, "account.family-pool-opened"))),
        "authority",
    ),
    "a pool of another's": (
        lambda log: edited(log, place(log, "pool.opened"), of_event(owner="acc_" + "1" * 32)),
        "authority",
    ),
    "a floor that was broken": (lambda log: of_rules(log, floor_fen=200_001), "policies"),
    "a transfer that was too small": (
        lambda log: of_rules(log, min_transfer_fen=50_001),
        "policies",
    ),
    "a transfer too many": (lambda log: of_rules(log, transfers_per_month=0), "policies"),
    "a pool where accounts pay": (on_demand, "authority"),
    "an account where pools pay": (from_the_account, "authority"),
    "a pool that had less": (
        lambda log: edited(
            edited(log, place(log, "pool.funded"), of_event(amount_fen=100)),
            place(log, "account.moved-to-pool"),
            of_event(current_fen=100, prior_fen=0),
        ),
        "no negative",
    ),
}
RETURNED: dict[str, tuple[Callable[[Log], Log], str]] = {
    "a pool got more back than it paid": (
        lambda log: edited(log, place(log, "pool.returned"), more("amount_fen", 10_000)),
        "double entry",
    ),
    "a pool got nothing back": (
        lambda log: counted(without(log, place(log, "pool.returned"))),
        "double entry",
    ),
    "a cap that counted less": (
        lambda log: edited(log, place(log, "pool.debited"), of_event(on="2026-02-01")),
        "caps",
    ),
}


@pytest.mark.parametrize("name", PAID)
def test_a_forged_payment_of_a_pool_is_found(paid: Log, name: str) -> None:
    """History rewritten and signed anew breaks a rule of the books."""
    tamper, check = PAID[name]
    assert [] == faults_in(export_of(paid))

    found = faults_in(export_of(tamper(paid)))

    assert check in {fault.check for fault in found}, found


@pytest.mark.parametrize("name", RETURNED)
def test_a_forged_return_to_a_pool_is_found(returned: Log, name: str) -> None:
    """So do returns and what caps count."""
    tamper, check = RETURNED[name]
    assert [] == faults_in(export_of(returned))

    found = faults_in(export_of(tamper(returned)))

    assert check in {fault.check for fault in found}, found


def test_what_comes_back_from_a_pool_left_it(taken_back: Log) -> None:
    """The owner's account gets what left the pool, to the fen."""
    assert [] == faults_in(export_of(taken_back))
    at = place(taken_back, "account.moved-from-pool")

    found = faults_in(export_of(edited(taken_back, at, more("amount_fen", 1))))

    assert "double entry" in {fault.check for fault in found}, found


def test_a_pool_is_not_emptied_while_relatives_are_bound(taken_back: Log) -> None:
    """Without the release the money was theirs to spend."""
    bound = without(taken_back, place(taken_back, "account.beneficiary-unlinked"))
    bound = counted(without(bound, place(bound, "binding.released")))

    found = faults_in(export_of(bound))

    assert "a pool was emptied while relatives were bound" in {fault.what for fault in found}
