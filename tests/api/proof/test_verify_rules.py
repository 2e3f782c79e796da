"""Tampers by who has the key, against the keys of a region's own rules, on the scenarios' logs."""

import json
from collections.abc import Callable

import pytest

from tests.api.proof.tampering import Edit, Log, Stored, counted, edited, place, without
from tests.cases.reading import read_cases
from tests.cases.service_driver import ServiceDriver
from tests.cases.world import play
from tests.exports import export_of, faults_in, leaves_of

CASES = read_cases()
Tamper = Callable[[Log], Log]


def other_bucket(payer: int, fen: int) -> Tamper:
    """A payer's fen of prior money told as this year's, in the bill and in his account."""

    def moved(part: Stored) -> None:
        part["prior_fen"] -= fen
        part["current_fen"] += fen

    def tamper(log: Log) -> Log:
        at = place(log, "settlement.settled", -1)
        account = json.loads(log[at].state)["event"]["payers"][payer]["account"]
        debit = next(
            i
            for i, leaf in enumerate(log)
            if leaf.topic == "account.debited/1" and leaf.stream.hex() == account[4:]
        )
        log = edited(log, at, lambda stored: moved(stored["event"]["payers"][payer]))
        return edited(log, debit, lambda stored: moved(stored["event"]))

    return tamper


def bill(edit: Callable[[Stored], None]) -> Tamper:
    """Change what the last settlement tells."""
    told: Edit = lambda stored: edit(stored["event"])  # noqa: E731
    return lambda log: edited(log, place(log, "settlement.settled", -1), told)


def own_spared(fen: int) -> Tamper:
    """The patient keeps some fen of prior money, and the first sponsor pays them."""

    def tamper(log: Log) -> Log:
        def split(stored: Stored) -> None:
            own, sponsor = stored["event"]["payers"]
            own["prior_fen"] -= fen
            sponsor["prior_fen"] += fen
            stored["event"]["own_fen"] -= fen
            stored["event"]["aid_fen"] += fen

        def fen_of(name: str, by: int) -> Edit:
            return lambda stored: stored["event"].update({name: stored["event"][name] + by})

        log = edited(log, place(log, "settlement.settled"), split)
        log = edited(log, place(log, "account.debited"), fen_of("prior_fen", -fen))
        log = edited(log, place(log, "account.debited", 1), fen_of("prior_fen", fen))
        return edited(log, place(log, "account.aid-received"), fen_of("amount_fen", fen))

    return tamper


TAMPERS: dict[str, tuple[str, Tamper, str]] = {
    "self-pay from this year's money": ("B07", other_bucket(1, 10_00), "policies"),
    "an in-patient bill paid like an out-patient one": (
        "B09b",
        bill(lambda event: event["claim"].update(med_type="21")),
        "policies",
    ),
    "self-pay told as what was in scope": (
        "B07",
        bill(lambda event: event["claim"]["lines"][0].update(part="full_self_pay")),
        "policies",
    ),
    "aid that the patient did not want": (
        "B10",
        bill(lambda event: event["claim"].update(use_aid=False)),
        "authority",
    ),
    "aid on a bill of the fund": (
        "A45",
        bill(lambda event: event["claim"].update(total_fen=64_26, fund_pay_fen=1)),
        "policies",
    ),
    "a quota that was lower": (
        "C63",
        lambda log: edited(
            log,
            place(log, "binding.invitation-sent"),
            lambda stored: stored["event"]["caps"].update(quota_fen=90_00),
        ),
        "caps",
    ),
    "a cap that counts one relative alone": (
        "C60",
        lambda log: edited(
            log,
            place(log, "binding.invitation-sent", 1),
            lambda stored: stored["event"]["caps"].update(per_day_fen=99_00),
        ),
        "caps",
    ),
    "a resident's credit without an opened balance": (
        "C47",
        lambda log: counted(without(log, place(log, "account.balance-opened"))),
        "life cycles",
    ),
    "a balance that the region does not allow": (
        "C47",
        lambda log: [
            leaf._replace(
                state=leaf.state.replace(
                    b'\\"resident_balance\\":true', b'\\"resident_balance\\":false'
                )
            )
            for leaf in log
        ],
        "policies",
    ),
    "own money spared by a place that is open": (
        "E39c",
        lambda log: edited(
            log,
            place(log, "institution.designated"),
            lambda stored: stored["event"].update(region="990000"),
        ),
        "order",
    ),
    "own money used before the filing": (
        "E39b",
        lambda log: counted(without(log, place(log, "account.filing-made"))),
        "order",
    ),
    "aid by a code that was not shown": (
        "A40",
        lambda log: edited(
            log,
            place(log, "account.code-shown"),
            lambda stored: stored["event"].update(code="0" * 64),
        ),
        "authority",
    ),
    "own prior money spared": ("B10", own_spared(1), "order"),
}


@pytest.mark.parametrize("name", TAMPERS)
async def test_a_forged_bill_breaks_the_regions_rules(name: str) -> None:
    """The log as the service wrote it passes; the same log rewritten and signed anew does not."""
    case, tamper, check = TAMPERS[name]
    driver = ServiceDriver()
    await play(CASES[case], driver)
    assert driver.context is not None
    log = leaves_of(driver.context.store)
    await driver.close()

    assert [] == faults_in(export_of(log))
    found = faults_in(export_of(tamper(log)))
    assert check in {fault.check for fault in found}, found
