"""What auditors are told: a settlement's story, and how things stood at any point of the log."""

from dataclasses import replace
from typing import Any

import pytest

from aggregates.account.events import Credited
from aggregates.topics import CLASSES
from api.audit.responses import (
    AccountAsOfReply,
    BindingAsOfReply,
    FamilyAsOfReply,
    InstitutionAsOfReply,
    StoryReply,
)
from api.audit.trace_text import STEPS, story_lines
from service.ledger.memory_store import MemoryStore
from service.ledger.store import StreamHead
from tests.api.clients import (
    AUDITOR,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    is_answered,
    is_refused,
)

STORY = "/v1/audit/settlements"
NOBODY = "stl_00000000000000000000000000000000"


async def story_of(desk: Desk, settlement_id: str, **headers: str) -> dict[str, Any]:
    answer = await desk.get(AUDITOR, f"{STORY}/{settlement_id}", **headers)
    story: dict[str, Any] = is_answered(answer, StoryReply)
    return story


STEPS_TOLD = (
    "policy",
    "institution",
    "invitation",
    "confirmation",
    "order",
    "settlement",
    "return",
    "refund",
    "cancellation",
    "clearing",
)


async def a_long_life(desk: Desk) -> tuple[str, str]:
    """A bill that is settled, refunded in part, cancelled and cleared; it and the binding."""
    binding = await a_family(desk)
    order = {"sponsors": ["S1"], "version": 0}
    await desk.send("PUT", a_person("P1"), "/v1/accounts/P1/deduction-order", order)
    settlement_id = str((await a_settlement(desk))["settlement_id"])
    path = f"/v1/settlements/{settlement_id}"
    assert 201 == (await desk.post(HOSPITAL, f"{path}/refunds", {"amount": "10.00"})).status_code
    gone = await desk.post(HOSPITAL, f"{path}/cancellation", {"reason": "wrong patient"})
    assert 201 == gone.status_code
    desk.clock.at = desk.clock.at.replace(month=desk.clock.at.month + 1)
    clearing = f"/v1/institutions/{HOSPITAL.subject}/clearings"
    cleared = await desk.post(NATION, clearing, {"through": "2026-03-31"})
    assert 201 == cleared.status_code, cleared.text
    return settlement_id, binding


async def test_a_story_begins_with_the_invitation_and_ends_with_the_clearing(desk: Desk) -> None:
    """Rules, agreement, order, debits, refund, cancellation and clearing, in the log's order."""
    settlement_id, binding = await a_long_life(desk)
    story = await story_of(desk, settlement_id)
    positions = [event["position"] for event in story["events"]]
    by_step = {event["step"]: event for event in story["events"]}
    settled = next(e for e in story["events"] if e["topic"] == "settlement.settled/1")

    assert ("cancelled", True) == (story["status"], story["decided_again"])
    (rules,) = story["rests_on"]
    assert ("p0/2020-01", "synthetic", []) == (
        rules["edition"],
        rules["evidence"],
        rules["own_choice"],
    )
    assert STEPS_TOLD == tuple(dict.fromkeys(event["step"] for event in story["events"]))
    assert sorted(set(positions)) == positions
    assert binding == by_step["confirmation"]["stream"]
    assert "wrong patient" == by_step["cancellation"]["reason"]
    assert "institution:H99000000001" == settled["actor"]
    assert "p0/2020-01" == settled["editions"]["beneficiary"]
    assert 2 == settled["read"][binding]
    assert CANARY_NAME not in str(story)
    assert CANARY_ID not in str(story)


async def test_a_story_is_told_in_the_readers_language(desk: Desk) -> None:
    """Chinese, or English where that is asked for; the terminal shows both."""
    await a_family(desk)
    settled = await a_settlement(desk)
    story = await story_of(desk, settled["settlement_id"])
    english = await story_of(desk, settled["settlement_id"], **{"Accept-Language": "en"})
    lines = "\n".join(story_lines(english))

    assert "本人账户支付 20.00 元" in [event["text"] for event in story["events"]]
    assert "a sponsor's account paid 44.25" in [event["text"] for event in english["events"]]
    assert "own 20.00, aid 44.25, cash 0.00" in lines
    assert "重新判定一致 · decided again: the same" in lines
    assert set(STEPS) <= set(CLASSES)


async def test_a_refused_bill_and_a_tombstone_have_stories_too(desk: Desk) -> None:
    """What never moved a fen is told with its code, or as undone before it came."""
    await a_family(desk)
    await a_settlement(desk)
    refused = await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    assert 409 == refused.status_code
    buried = await desk.post(HOSPITAL, "/v1/reversals", {"key": "never came"})
    assert 200 == buried.status_code, buried.text
    assert isinstance(desk.context.store, MemoryStore)
    last, before = desk.context.store.log[-1], desk.context.store.log[-2]
    stories = [await story_of(desk, one.stream) for one in (before, last)]

    assert ["refused", "reversed"] == [story["status"] for story in stories]
    assert "DUPLICATE_CLAIM" == stories[0]["events"][-1]["reason"]
    assert [True, True] == [story["decided_again"] for story in stories]


async def test_a_settlement_that_was_decided_otherwise_is_told_so(desk: Desk) -> None:
    """A log whose past was changed gives the decision away, with both sides of the difference."""
    await a_family(desk)
    settled = await a_settlement(desk)
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    at, event = next((i, o.event) for i, o in enumerate(store.log) if isinstance(o.event, Credited))
    store.log[at] = store.log[at]._replace(event=replace(event, amount_fen=2500))
    story = await story_of(desk, settled["settlement_id"])
    told_of = [event["decided_again"] for event in story["events"] if event["decided_again"]]

    assert story["decided_again"] is False
    assert [False] == [decided["same"] for decided in told_of]
    assert "available_fen=2000" in told_of[0]["differences"][0]["told"]
    assert "available_fen=2500" in told_of[0]["differences"][0]["made"]
    assert "NOT the same" in "\n".join(story_lines(story))


async def test_an_account_is_shown_as_it_stood(desk: Desk) -> None:
    """At a position, at a time, and now, whatever the heads say."""
    await a_family(desk)
    before = await desk.context.store.position()
    await a_settlement(desk)
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    store.heads = {stream: StreamHead(head.version, None) for stream, head in store.heads.items()}
    path = "/v1/audit/accounts/P1?as_of="
    then = is_answered(await desk.get(AUDITOR, f"{path}{before}"), AccountAsOfReply)
    late = await desk.get(AUDITOR, f"{path}2027-01-01T00:00:00%2B08:00")
    later = is_answered(late, AccountAsOfReply)
    now = is_answered(await desk.get(AUDITOR, path[:-7]), AccountAsOfReply)

    assert ("20.00", "0.00") == (then["balance"]["current"], now["balance"]["current"])
    assert (before, before) == (then["position"], max(then["last_position"], before))
    assert (None, "44.25") == (then["received"], now["received"]["year"])
    assert (False, 2026, True, 2027) == (
        now["year_is_open"],
        now["year"],
        later["year_is_open"],
        later["year"],
    )
    assert [link["account"] for link in now["sponsors"]]


async def test_bindings_institutions_and_families_are_shown_as_they_stood(desk: Desk) -> None:
    """An invitation before its answer, a hospital before its change, a family with its sponsor."""
    binding = await a_family(desk)
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    sent = next(one for one in store.log if one.stream == binding)
    path = f"/v1/audit/bindings/{binding}"
    invited = await desk.get(AUDITOR, f"{path}?as_of={sent.position}")
    bound = is_answered(await desk.get(AUDITOR, path), BindingAsOfReply)
    hospital = await desk.get(AUDITOR, f"/v1/audit/institutions/{HOSPITAL.subject}")
    family = is_answered(await desk.get(AUDITOR, "/v1/audit/families/P1"), FamilyAsOfReply)

    assert "invited" == is_answered(invited, BindingAsOfReply)["status"]
    assert "active" == bound["status"]
    assert "hospital" == is_answered(hospital, InstitutionAsOfReply)["class"]
    (behind,) = family["sponsors"]
    assert binding == behind["binding"]["binding_id"]
    assert "500.00" == behind["account"]["balance"]["current"]
    assert "20.00" == family["beneficiary"]["balance"]["current"]
    is_refused(await desk.get(AUDITOR, f"{path}?as_of={sent.position - 1}"), 404, "NOT_FOUND")


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{STORY}/{NOBODY}", 404, "NOT_FOUND"),
        ("/v1/audit/accounts/NOBODY", 404, "NOT_FOUND"),
        ("/v1/audit/accounts/P1?as_of=yesterday", 422, "DATE_INVALID"),
        ("/v1/audit/accounts/P1?as_of=999999", 422, "DATE_INVALID"),
        ("/v1/audit/accounts/P1?as_of=0001-01-01T00:00:00%2B14:00", 422, "DATE_INVALID"),
        ("/v1/audit/bindings/bnd_1", 404, "NOT_FOUND"),
        ("/v1/audit/institutions/H1", 404, "NOT_FOUND"),
        ("/v1/audit/replays/rpl_1", 503, "STORE_UNAVAILABLE"),
    ],
)
async def test_what_is_not_there_is_refused(desk: Desk, path: str, status: int, code: str) -> None:
    """Unknown things, and points that the log never reached."""
    await a_family(desk)
    is_refused(await desk.get(AUDITOR, path), status, code)


async def test_only_auditors_look_back(desk: Desk) -> None:
    """Everybody else is refused, whosever it is; an auditor starts a replay and nothing else."""
    await a_family(desk)
    settled = await a_settlement(desk)
    paths = (
        f"{STORY}/{settled['settlement_id']}",
        "/v1/audit/accounts/P1",
        "/v1/audit/families/P1",
        "/v1/audit/bindings/bnd_1",
        f"/v1/audit/institutions/{HOSPITAL.subject}",
        "/v1/audit/replays/rpl_1",
    )
    for who in (HOSPITAL, NATION, OPERATOR, a_person("P1")):
        for path in paths:
            is_refused(await desk.get(who, path), 403, "NOT_PERMITTED")
        is_refused(await desk.post(who, "/v1/audit/replays", {}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AUDITOR, "/v1/audit/replays", {}), 503, "STORE_UNAVAILABLE")
    odd = await desk.post(AUDITOR, "/v1/audit/replays", {"as_of": "soon"})
    is_refused(odd, 422, "DATE_INVALID")
