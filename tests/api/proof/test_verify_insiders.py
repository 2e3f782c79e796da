"""Tampers by who has the key and signs anew: the books do not add up, and a witness knows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.clients import a_desk_on_memory
from tests.api.proof.tampering import (
    Edit,
    Log,
    Stored,
    a_year,
    counted,
    edited,
    of_event,
    place,
    without,
)
from tests.exports import export_of, faults_in, leaves_of, signed_over


@pytest.fixture(scope="module")
async def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """The rows of a year."""
    async with a_desk_on_memory(Path(tmp_path_factory.mktemp("desk"))) as desk:
        await a_year(desk)
        return leaves_of(desk.context.store)


def in_share(which: int, **changes: object) -> Edit:
    """Change one payer of a decision."""
    return lambda stored: stored["event"]["payers"][which].update(changes)


def less_cash(which: int, fen: int) -> Edit:
    """Let a payer give more on paper, and the patient pay less cash."""

    def edit(stored: Stored) -> None:
        event = stored["event"]
        event["payers"][which]["current_fen"] += fen
        event["aid_fen"] += fen
        event["cash_fen"] -= fen

    return edit


def key_of_another(log: Log) -> Log:
    """The second settlement under the key of the first."""
    first = json.loads(log[place(log, "settlement.settled")].state)["act"]["key_digest"]
    second = json.loads(log[place(log, "settlement.settled", 1)].state)["act"]["key_digest"]
    return [
        leaf._replace(state=leaf.state.replace(second.encode(), first.encode())) for leaf in log
    ]


def key_of_the_buried(log: Log) -> Log:
    """The last settlement under the key that a tombstone buried."""
    buried = json.loads(log[place(log, "settlement.reversed", 1)].state)["event"]["undone"]
    last = json.loads(log[place(log, "settlement.settled", -1)].state)["act"]["key_digest"]
    return [leaf._replace(state=leaf.state.replace(last.encode(), buried.encode())) for leaf in log]


def policy_edited(log: Log) -> Log:
    """An edition published again under its name with a reserve."""
    at = next(i for i, leaf in enumerate(log) if b"p0/2020-01" in leaf.state)
    again = log[at].state.replace(b'\\"reserve_fen\\":0', b'\\"reserve_fen\\":100')
    assert again != log[at].state
    own = again.replace(b'"key_digest":"', b'"key_digest":"0')
    return counted([*log[: at + 1], log[at]._replace(state=own), *log[at + 1 :]])


def sponsors_swapped(log: Log) -> Log:
    """The two sponsors of the first bill in the other order on paper."""

    def edit(stored: Stored) -> None:
        own, first, second = stored["event"]["payers"]
        stored["event"]["payers"] = [own, second, first]

    return edited(log, place(log, "settlement.settled"), edit)


def own_spared(log: Log) -> Log:
    """The patient keeps his own money, and a sponsor pays it."""
    at = place(log, "settlement.settled")
    debit = place(log, "account.debited")
    fen = json.loads(log[debit].state)["event"]["current_fen"]

    def edit(stored: Stored) -> None:
        own, _, last = stored["event"]["payers"]
        own["current_fen"] -= fen - 1
        last["current_fen"] += fen - 1
        stored["event"]["own_fen"] -= fen - 1
        stored["event"]["aid_fen"] += fen - 1

    tampered = edited(log, at, edit)
    tampered = edited(tampered, debit, of_event(current_fen=1))
    third = json.loads(log[debit + 2].state)["event"]["current_fen"]
    tampered = edited(tampered, debit + 2, of_event(current_fen=third + fen - 1))
    aid = place(log, "account.aid-received")
    sum_fen = json.loads(log[aid].state)["event"]["amount_fen"]
    return edited(tampered, aid, of_event(amount_fen=sum_fen + fen - 1))


INSIDERS: dict[str, tuple[Callable[[Log], Log], str]] = {
    "a debit changed alone": (
        lambda log: edited(log, place(log, "account.debited"), of_event(current_fen=1)),
        "double entry",
    ),
    "a payer changed alone": (
        lambda log: edited(log, place(log, "settlement.settled"), less_cash(1, 1)),
        "double entry",
    ),
    "a debit without a bill": (
        lambda log: counted(without(log, place(log, "settlement.settled"))),
        "double entry",
    ),
    "a return of more than was paid": (
        lambda log: edited(log, place(log, "account.debit-returned"), of_event(prior_fen=99999)),
        "double entry",
    ),
    "a credit that was less": (
        lambda log: edited(log, place(log, "account.credited"), of_event(amount_fen=1)),
        "no negative",
    ),
    "own money spared": (own_spared, "order"),
    "sponsors in another order": (sponsors_swapped, "order"),
    "an amount said to be available": (
        lambda log: edited(
            log, place(log, "settlement.settled"), in_share(2, available_fen=9_999_999)
        ),
        "order",
    ),
    "a cap that was lower": (
        lambda log: edited(
            log,
            place(log, "binding.grant-changed"),
            lambda stored: stored["event"]["caps"].update(per_day_fen=100),
        ),
        "caps",
    ),
    "a grant that nobody confirmed": (
        lambda log: counted(without(log, place(log, "binding.confirmed"))),
        "authority",
    ),
    "a grant to another": (
        lambda log: edited(
            log,
            place(log, "binding.stranger-invited"),
            of_event(beneficiary="acc_" + "0" * 32),
        ),
        "authority",
    ),
    "an institution without agreement": (
        lambda log: edited(log, place(log, "institution.designated"), of_event(status="suspended")),
        "authority",
    ),
    "a correction approved by who proposed it": (
        lambda log: edited(log, place(log, "correction.approved"), of_event(by="agency:a1")),
        "authority",
    ),
    "a correction of another sum": (
        lambda log: edited(log, place(log, "account.corrected"), of_event(amount_fen=501)),
        "double entry",
    ),
    "a reused key": (key_of_another, "keys"),
    "a buried key": (key_of_the_buried, "keys"),
    "a changed policy": (policy_edited, "policies"),
    "a decision by other rules": (
        lambda log: edited(
            log,
            place(log, "settlement.settled"),
            lambda stored: stored["event"]["editions"].update(beneficiary="p0/1999-01"),
        ),
        "policies",
    ),
    "a cancellation told twice": (
        lambda log: counted(
            [
                *log[:-1],
                log[place(log, "settlement.cancelled")]._replace(recorded_at=log[-1].recorded_at),
                log[-1],
            ]
        ),
        "life cycles",
    ),
    "a decision on an old version": (
        lambda log: edited(
            log,
            place(log, "settlement.settled", 1),
            lambda stored: stored["event"]["read"].update(
                dict.fromkeys(list(stored["event"]["read"])[:1], 99)
            ),
        ),
        "life cycles",
    ),
    "an account that was never opened": (
        lambda log: counted(without(log, place(log, "account.opened", 1))),
        "life cycles",
    ),
    "a hold captured for more": (
        lambda log: edited(
            log,
            next(
                i
                for i, leaf in enumerate(log)
                if b'"hold":"hld_' in leaf.state and leaf.topic == "settlement.settled/1"
            ),
            in_share(0, current_fen=10**6),
        ),
        "authority",
    ),
}


@pytest.mark.parametrize("name", INSIDERS)
def test_who_can_sign_is_found_by_the_books(log: Log, name: str) -> None:
    """History rewritten and signed anew with the true key breaks a rule of the books somewhere."""
    tamper, check = INSIDERS[name]
    tampered = tamper(log)
    found = faults_in(export_of(tampered))

    assert check in {fault.check for fault in found}, found
    assert all(fault.position > 0 for fault in found if fault.check == check)
    assert {"tree", "signature", "contiguity", "format"}.isdisjoint(f.check for f in found)
    outside = faults_in(export_of(tampered), outside=signed_over(log).note)
    assert "outside" in {fault.check for fault in outside}
