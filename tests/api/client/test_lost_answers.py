"""Answers lost at every point of a call: one settlement, and the money moves once."""

import asyncio
import json

import pytest

from gongji_client import Denied, Refused, Retries, Unavailable, Unknown
from tests.api.client.counter import Counter
from tests.api.client.losing import FAULTS, HELD, UNSENT

ATTEMPTS = Retries().attempts
LOST = ["unanswered"] * ATTEMPTS
"""Every attempt at a settlement arrives, and no answer comes back."""


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_lost_answer_makes_one_settlement(counter: Counter, fault: str) -> None:
    """Lost once awaiting, lost twice blocking: all attempts of a settlement have one key."""
    before = await counter.stand()
    awaited, blocked = counter.losing([fault]), counter.losing([fault, fault])
    async with counter.client(awaited) as client:
        first = await client.settle(counter.bill())
    with counter.blocking(blocked) as blocking:
        second = await asyncio.to_thread(blocking.settle, counter.bill())

    assert ["settled", "settled"] == [first["status"], second["status"]]
    assert (2, 1) == (len(awaited.keys), len(set(awaited.keys)))
    assert (3, 1) == (len(blocked.keys), len(set(blocked.keys)))
    assert (2, -2) == await counter.moved(before)


async def test_a_change_without_an_answer_is_unknown_and_its_key_finds_out(
    counter: Counter,
) -> None:
    """The error has the key; the same call with it gives the answer of the one settlement."""
    bill, before = counter.bill(), await counter.stand()
    async with counter.client(LOST) as client:
        with pytest.raises(Unknown) as lost:
            await client.settle(bill)
        settled = await client.settle(bill, lost.value.key)
        found = await client.settlement_by_key(str(lost.value.key))

    assert "NO_ANSWER (unknown)" == str(lost.value)
    assert settled["settlement_id"] == found["settlement_id"]
    assert (1, -1) == await counter.moved(before)


async def test_a_doubt_stays_where_a_later_attempt_does_nothing(counter: Counter) -> None:
    """An answer was lost, then the service is away: nobody may say that nothing changed."""
    before = await counter.stand()
    async with counter.client(["unanswered", *["unavailable"] * ATTEMPTS]) as client:
        with pytest.raises(Unknown) as lost:
            await client.settle(counter.bill())

    assert ("STORE_UNAVAILABLE", "unknown") == (lost.value.code, lost.value.outcome)
    assert (1, -1) == await counter.moved(before)


@pytest.mark.parametrize("fault", [*UNSENT, "unavailable", "busy"])
async def test_what_surely_did_nothing_is_unavailable(counter: Counter, fault: str) -> None:
    """A counter need not reverse what never arrived."""
    before = await counter.stand()
    way = counter.losing([fault] * ATTEMPTS)
    async with counter.client(way) as client:
        with pytest.raises(Unavailable) as away:
            await client.settle_or_reverse(counter.bill())

    assert "not_applied" == away.value.outcome
    assert ATTEMPTS == len(way.keys)
    assert (0, 0) == await counter.moved(before)


async def test_a_rule_refuses_also_after_a_lost_answer(counter: Counter) -> None:
    """A refusal under the same key is the answer of every attempt."""
    bill, way = counter.bill(), counter.losing(["", "unanswered"])
    async with counter.client(way) as client:
        await client.settle(bill)
        with pytest.raises(Refused) as told:
            await client.settle(bill)

    refused = told.value
    assert ("DUPLICATE_CLAIM", "not_applied") == (refused.code, refused.outcome)
    assert (409, way.keys[-1]) == (refused.status, refused.key)


@pytest.mark.parametrize("reversing", [[], ["unanswered", "torn"], ["unknown", "refused"]])
async def test_a_lost_settlement_is_reversed(counter: Counter, reversing: list[str]) -> None:
    """The counter hears None: the money is back, also where the reversal's answer is lost."""
    before = await counter.stand()
    async with counter.client(LOST + reversing) as client:
        settled = await client.settle_or_reverse(counter.bill())

    assert settled is None
    assert (1, 0) == await counter.moved(before)


async def test_a_settlement_that_arrives_after_its_reversal_is_refused(counter: Counter) -> None:
    """All attempts are held in the network until the counter has given up."""
    before = await counter.stand()
    way = counter.losing([HELD] * ATTEMPTS)
    with counter.blocking(way) as client:
        settled = await asyncio.to_thread(client.settle_or_reverse, counter.bill())
    late = [json.loads(answer.content)["code"] for answer in await way.release()]

    assert settled is None
    assert ["REVERSED_BEFORE_ARRIVAL"] * ATTEMPTS == late
    assert (0, 0) == await counter.moved(before)


async def test_without_any_answer_the_outcome_is_unknown(counter: Counter) -> None:
    """The reversal is lost too. The same call with the key finds that it was reversed."""
    bill, before = counter.bill(), await counter.stand()
    async with counter.client(LOST * 2) as client:
        with pytest.raises(Unknown) as lost:
            await client.settle_or_reverse(bill)
        assert await client.settle_or_reverse(bill, lost.value.key) is None

    assert (1, 0) == await counter.moved(before)


async def test_what_never_arrived_and_was_reversed_is_refused(counter: Counter) -> None:
    """As before, but the settlement stays in the network: its key is used up."""
    bill, before = counter.bill(), await counter.stand()
    async with counter.client([HELD] * ATTEMPTS + LOST) as client:
        with pytest.raises(Unknown) as lost:
            await client.settle_or_reverse(bill)
        with pytest.raises(Refused, match="REVERSED_BEFORE_ARRIVAL"):
            await client.settle_or_reverse(bill, lost.value.key)

    assert (0, 0) == await counter.moved(before)


async def test_a_settlement_taken_back_is_shown_as_it_stands(counter: Counter) -> None:
    """Asked again under its key it is not `settled`, and no counter takes it for paid."""
    bill = counter.bill()
    async with counter.client() as client:
        settled = await client.settle(bill, "taken-back")
        await client.cancel(settled["settlement_id"], "wrong patient")

        assert "cancelled" == (await client.settle(bill, "taken-back"))["status"]
        assert await client.settle_or_reverse(bill, "taken-back") is None


async def test_a_token_that_ends_in_between_leaves_a_doubt(counter: Counter) -> None:
    """A later attempt without permission tells nothing of the first."""
    way = counter.losing(["unanswered"])
    async with counter.client(way) as client:
        way.token_ends_after = 1
        with pytest.raises(Unknown, match="UNAUTHENTICATED"):
            await client.settle(counter.bill())
        with pytest.raises(Denied):
            await client.settle(counter.bill())
