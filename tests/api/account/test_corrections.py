"""Corrections over HTTP: two agency clerks correct a balance."""

from typing import Any

import pytest

from api.account.correction_schemas import CorrectionReply, CorrectionsReply
from tests.api.binding.test_lists import pages
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOME,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    Who,
    a_person,
    an_account,
    is_answered,
    is_refused,
    untraced,
)

PATH = "/v1/corrections"
OTHER = Who(AGENCY.role, "a9", HOME)


def a_correction(**changes: object) -> dict[str, Any]:
    return {
        "person_no": "P1",
        "bucket": "current",
        "amount": "-12.00",
        "reason": "记重",
        "reference": "2026-03/17",
    } | changes


async def proposed(desk: Desk, who: Who = AGENCY, **changes: object) -> str:
    answer = await desk.post(who, PATH, a_correction(**changes))
    correction_id: str = is_answered(answer, CorrectionReply, 201)["correction_id"]
    return f"{PATH}/{correction_id}"


async def balance(desk: Desk) -> dict[str, str]:
    shown: dict[str, str] = (await desk.get(NATION, "/v1/accounts/P1")).json()["balance"]
    return shown


async def test_one_proposes_and_another_approves(desk: Desk) -> None:
    """Nothing moves before the approval; then the bucket is right, with both names."""
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    assert "20.00" == (await balance(desk))["current"]
    waiting = is_answered(await desk.get(AGENCY, there), CorrectionReply)
    assert ("proposed", "-12.00", None) == (
        waiting["status"],
        waiting["amount"],
        waiting["decided_by"],
    )
    approved = await desk.post(OTHER, f"{there}/approval", {}, "k1")

    answer = is_answered(approved, CorrectionReply, 201)
    assert ("approved", "agency:a1", "agency:a9", "P1", 2) == tuple(
        answer[name] for name in ("status", "proposed_by", "decided_by", "person_no", "version")
    )
    assert {"current": "8.00", "prior": "0.00", "held": "0.00", "available": "8.00"} == (
        await balance(desk)
    )
    again = await desk.post(OTHER, f"{there}/approval", {}, "k1")
    assert (approved.content, "true") == (again.content, again.headers["idempotency-replayed"])
    for who in (AGENCY, OTHER, NATION, AUDITOR):
        assert answer == is_answered(await desk.get(who, there), CorrectionReply)


async def test_a_rejected_one_moves_nothing(desk: Desk) -> None:
    """The reason is stored, and the decision is final."""
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk, amount="0.50", bucket="prior")
    rejected = await desk.post(OTHER, f"{there}/rejection", {"reason": "凭证不符"})

    answer = is_answered(rejected, CorrectionReply, 201)
    assert ("rejected", "凭证不符", "0.50") == (
        answer["status"],
        answer["rejection"],
        answer["amount"],
    )
    late = await desk.post(OTHER, f"{there}/approval", {})
    assert "rejected" == is_refused(late, 409, "CORRECTION_DECIDED")["current_status"]
    left = await balance(desk)
    assert ("20.00", "0.00") == (left["current"], left["prior"])


@pytest.mark.parametrize(("word", "body"), [("approval", {}), ("rejection", {"reason": "told"})])
async def test_nobody_decides_his_own(desk: Desk, word: str, body: dict[str, str]) -> None:
    """The proposer is refused under any key; another clerk is not."""
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    for _ in range(2):
        is_refused(await desk.post(AGENCY, f"{there}/{word}", body), 409, "DUAL_CONTROL")

    assert "20.00" == (await balance(desk))["current"]
    is_answered(await desk.post(OTHER, f"{there}/{word}", body), CorrectionReply, 201)


@pytest.mark.parametrize(
    ("account", "changes", "status", "code"),
    [
        ({}, {"amount": "0.00"}, 422, "AMOUNT_OUT_OF_RANGE"),
        ({}, {"amount": "-0.00"}, 422, "AMOUNT_OUT_OF_RANGE"),
        ({}, {"amount": "99999999999999.99"}, 422, "AMOUNT_OUT_OF_RANGE"),
        ({}, {"amount": "100000000000000.00"}, 422, "AMOUNT_OUT_OF_RANGE"),
        ({}, {"amount": "+1.00"}, 422, "AMOUNT_FORMAT"),
        ({}, {"amount": "1.5"}, 422, "AMOUNT_FORMAT"),
        ({}, {"amount": -1}, 422, "AMOUNT_FORMAT"),
        ({}, {"bucket": "both"}, 422, "FIELD_INVALID"),
        ({}, {"reason": ""}, 422, "TEXT_INVALID"),
        ({}, {"person_no": "NOBODY"}, 404, "NOT_FOUND"),
        ({"insurance": "resident"}, {}, 409, "NO_FUNDS"),
        ({"status": "deceased"}, {"amount": "1.00"}, 409, "ACCOUNT_ENDED"),
    ],
)
async def test_what_cannot_be_is_told_at_once(
    desk: Desk, account: dict[str, str], changes: dict[str, object], status: int, code: str
) -> None:
    """A proposal that could never be approved is refused and not stored."""
    await an_account(desk, "P1", "0.00" if account else "1.00", **account)
    is_refused(await desk.post(AGENCY, PATH, a_correction(**changes)), status, code)

    assert [] == [s for s in await _streams(desk) if s.startswith("cor_")]


async def test_more_than_there_is_cannot_be_taken(desk: Desk) -> None:
    """The approval is refused if the money is gone; the correction stays open."""
    await an_account(desk, "P1", "12.00")
    first, second = await proposed(desk), await proposed(desk)
    is_answered(await desk.post(OTHER, f"{first}/approval", {}), CorrectionReply, 201)
    refused = await desk.post(OTHER, f"{second}/approval", {}, "k1")

    is_refused(refused, 409, "CORRECTION_EXCEEDS")
    assert "proposed" == (await desk.get(AGENCY, second)).json()["status"]
    await desk.post(AGENCY, "/v1/accounts/P1/credits", {"amount": "12.00"})
    assert untraced(refused) == untraced(await desk.post(OTHER, f"{second}/approval", {}, "k1"))
    is_answered(await desk.post(OTHER, f"{second}/approval", {}, "k2"), CorrectionReply, 201)


async def test_a_foreign_one_looks_like_none(desk: Desk) -> None:
    """Another region's agency cannot propose, read or decide: 404 as for an unknown id."""
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    nowhere = f"{PATH}/cor_{'0' * 32}"
    refused = await desk.post(AGENCY_ELSEWHERE, PATH, a_correction())
    is_refused(refused, 404, "NOT_FOUND")
    for path, body in (("", None), ("/approval", {}), ("/rejection", {"reason": "told"})):
        answers = [
            await (
                desk.get(AGENCY_ELSEWHERE, place + path)
                if body is None
                else desk.post(AGENCY_ELSEWHERE, place + path, body)
            )
            for place in (there, nowhere, f"{PATH}/cor_x")
        ]
        is_refused(answers[0], 404, "NOT_FOUND")
        assert untraced(answers[0]) == untraced(answers[1]) == untraced(answers[2])


@pytest.mark.parametrize("who", [HOSPITAL, OPERATOR, a_person("P1"), AUDITOR], ids=lambda w: w.role)
async def test_only_an_agency_puts_right(desk: Desk, who: Who) -> None:
    """Other roles are refused, and nothing moves."""
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    before = desk.stands()
    code = "READ_ONLY_ROLE" if who is AUDITOR else "NOT_PERMITTED"
    for path, body in (
        (PATH, a_correction()),
        (f"{there}/approval", {}),
        (f"{there}/rejection", {"reason": "told"}),
    ):
        is_refused(await desk.post(who, path, body), 403, code)
    if who is not AUDITOR:
        is_refused(await desk.get(who, there), 403, "NOT_PERMITTED")
    assert before == desk.stands()


async def test_the_feed_tells_it_to_its_region_alone(desk_on_postgres: Desk) -> None:
    """The region's agency follows proposal and approval; another region's does not."""
    desk = desk_on_postgres
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    await desk.post(OTHER, f"{there}/approval", {})
    heard = [(await desk.get(who, "/v1/events?limit=1000")).text for who in (AGENCY, NATION)]
    elsewhere = (await desk.get(AGENCY_ELSEWHERE, "/v1/events?limit=1000")).text

    for topic in ("correction.proposed/1", "correction.approved/1", "account.corrected/1"):
        assert [1, 1] == [told.count(topic) for told in heard]
        assert topic not in elsewhere


async def _streams(desk: Desk) -> set[str]:
    return {recorded.stream for recorded in await desk.context.store.page(0, 10_000)}


async def test_the_second_clerk_finds_what_waits(desk_on_postgres: Desk) -> None:
    """A proposed correction is listed until it is decided."""
    desk = desk_on_postgres
    await an_account(desk, "P1", "20.00")
    made = [await proposed(desk, amount=amount) for amount in ("-1.00", "-2.00", "-3.00")]
    await desk.post(OTHER, f"{made[0]}/approval", {})
    await desk.post(OTHER, f"{made[1]}/rejection", {"reason": "凭证不符"})
    listed = is_answered(await desk.get(OTHER, PATH), CorrectionsReply)["items"]
    by_status = {
        status: [item["amount"] for item in await pages(desk, OTHER, f"{PATH}?status={status}", 1)]
        for status in ("proposed", "rejected", "approved")
    }

    assert {"proposed": ["-3.00"], "rejected": ["-2.00"], "approved": ["-1.00"]} == by_status
    assert listed == await pages(desk, OTHER, PATH, 1) == await pages(desk, OTHER, PATH, 2)
    for there, item in zip(reversed(made), listed, strict=True):
        alone = (await desk.get(OTHER, there)).json()
        assert {name: alone[name] for name in item} | {"position": item["position"]} == item
    is_refused(await desk.get(OTHER, f"{PATH}?status=lost"), 422, "QUERY_INVALID")
    is_refused(await desk.get(OTHER, f"{PATH}?cursor=lost"), 422, "PAGE_INVALID")


async def test_corrections_are_listed_to_their_own(desk_on_postgres: Desk) -> None:
    """The region's agency, the national one and auditors see them; others do not."""
    desk = desk_on_postgres
    await an_account(desk, "P1", "20.00")
    there = await proposed(desk)
    seen = {
        who: [item["correction_id"] for item in (await desk.get(who, PATH)).json()["items"]]
        for who in (AGENCY, OTHER, NATION, AUDITOR, AGENCY_ELSEWHERE)
    }

    mine = [there.removeprefix(f"{PATH}/")]
    assert [mine, mine, mine, mine, []] == list(seen.values())
    for who in (a_person("P1"), HOSPITAL, OPERATOR):
        is_refused(await desk.get(who, PATH), 403, "NOT_PERMITTED")
