"""A rehearsal is what would have been: the same days, lived under the draft."""

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date

import pytest

from aggregates.policy.choices import CapSetBy, OrderMissing, OrderStrategy, RefundMode
from aggregates.policy.edition import Edition
from service.ledger.memory_store import MemoryStore
from service.rehearsal.report import Report, lines_of
from service.rehearsal.run import RehearsalRequest
from tests.aggregates.settlement.families import P0
from tests.service.rehearsal.lives import KEYS, lived, sums
from tests.service.rehearsal.rehearsing import book_of, draft_of, rehearsed

BASE = replace(P0, id="p0/2020-01")
DRAFTS: dict[str, Edition] = {
    "reserve": replace(BASE, money=replace(BASE.money, reserve_fen=13_000)),
    "cap": replace(BASE, id="p0/cap", money=replace(BASE.money, cap_per_settlement_fen=700)),
    "no own caps": replace(BASE, money=replace(BASE.money, cap_set_by=CapSetBy.REGION)),
    "order": replace(BASE, order=replace(BASE.order, order_strategy=OrderStrategy.BALANCE_DESC)),
    "one payer": replace(BASE, order=replace(BASE.order, max_payers_per_settlement=1)),
    "prorata": replace(
        BASE, refund=replace(BASE.refund, refund_mode=(RefundMode.PARTIAL_PRORATA,))
    ),
}


def report_under(store: MemoryStore, draft: Edition, **asked: date | str | None) -> Report:
    request = RehearsalRequest("", **asked)  # type: ignore[arg-type]
    books = book_of((BASE,)), book_of((draft,))
    return rehearsed(store, KEYS, draft_of(store, BASE.region, *books), request)


def totals(report: Report, which: str) -> dict[str, int]:
    fen = report["total"]["fen"]
    return {payer: fen[payer][which] for payer in ("own", "aid", "cash")}


@pytest.mark.parametrize("seed", range(3))
async def test_the_identity_draft_changes_nothing(seed: int) -> None:
    """Under the published rules every decision comes out as it was recorded."""
    store, nets = await lived(BASE, 60, seed)
    report = report_under(store, BASE)

    assert 0 == report["differences"]
    assert [] == report["largest"]
    assert 0 == report["not_followed"]
    assert sums(nets) == totals(report, "recorded") == totals(report, "draft")
    assert len(nets) == report["total"]["bills"] == report["decided"]["settlements"]


@pytest.mark.parametrize("name", DRAFTS)
async def test_a_draft_is_as_if_it_had_been_lived(name: str) -> None:
    """Each draft's sums are those of the same days under it, bill for bill, money running on."""
    draft = replace(DRAFTS[name], id="p0/draft", effective_on=date(2027, 1, 1))
    store, nets = await lived(BASE, 80, 7)
    _, drafted = await lived(DRAFTS[name], 80, 7)
    report = report_under(store, draft)

    assert sums(nets) == totals(report, "recorded")
    assert sums(drafted) == totals(report, "draft")
    assert ["p0/draft"] == report["draft"]["editions"]
    assert report["differences"]
    assert 0 == report["not_followed"]


async def test_the_groups_add_up_to_the_whole() -> None:
    """By class, place and month the same sums; by relation those of all accounts."""
    store, _ = await lived(BASE, 60, 5)
    report = report_under(store, DRAFTS["cap"])
    total = report["total"]["fen"]
    for name in ("person_class", "place", "month"):
        for payer in ("own", "aid", "cash"):
            for which in ("recorded", "draft", "more"):
                added = sum(group["fen"][payer][which] for group in report["by"][name])
                assert total[payer][which] == added
    relations = {group["key"]: group["fen"] for group in report["by"]["relation"]}
    assert {"SELF", "CHILD"} == set(relations)
    assert total["own"] == relations["SELF"]["own"]
    assert total["aid"] == relations["CHILD"]["aid"]
    assert ["employee normal"] == [group["key"] for group in report["by"]["person_class"]]
    assert len(report["by"]["month"]) > 2


async def test_the_largest_changes_come_with_their_receipts() -> None:
    """Ten bills of the log, the largest change first, with what they cost and would cost."""
    store, _ = await lived(BASE, 80, 3)
    report = report_under(store, DRAFTS["reserve"])
    found = {item.stream: item.position for item in store.log}
    moved = [
        max(abs(bill["draft"][payer] - bill["recorded"][payer]) for payer in ("own", "aid", "cash"))
        for bill in report["largest"]
    ]

    assert 10 == len(report["largest"])
    assert sorted(moved, reverse=True) == moved
    for bill in report["largest"]:
        assert bill["settlement_id"] in found
        assert sum(bill["recorded"][p] for p in ("own", "aid", "cash")) == sum(
            bill["draft"][p] for p in ("own", "aid", "cash")
        )


async def test_only_the_range_and_the_region_count() -> None:
    """Before and after the range the log is folded only; another region's report is empty."""
    store, _ = await lived(BASE, 60, 2)
    whole = report_under(store, DRAFTS["cap"])
    months = [group["key"] for group in whole["by"]["month"]]
    part = report_under(store, DRAFTS["cap"], from_on=date(2026, 4, 1), to_on=date(2026, 4, 30))

    since = report_under(store, DRAFTS["cap"], from_on=BASE.effective_on)
    assert whole["total"] == since["total"], "a range may begin with the first edition"
    assert ["2026-04"] == [group["key"] for group in part["by"]["month"]]
    assert "2026-04" in months
    assert 0 == report_under(store, DRAFTS["cap"], region="542500")["total"]["bills"]
    home = report_under(store, DRAFTS["cap"], region=BASE.region)
    assert whole["total"] == home["total"]


async def test_a_rule_that_meets_nobody_changes_nothing() -> None:
    """A draft with another id counts no difference where every outcome is the same."""
    store, _ = await lived(BASE, 40, 2)
    order = replace(BASE.order, order_missing=OrderMissing.SKIP, order_fallback=None)
    report = report_under(store, replace(BASE, id="p0/skip", order=order))

    assert 0 == report["differences"], "every family of two sponsors has set its order"


async def test_the_picture_and_the_lines_say_the_sums() -> None:
    """The picture is well-formed, loads nothing, and shows each month; the last line counts."""
    store, _ = await lived(BASE, 60, 5)
    report = report_under(store, DRAFTS["cap"])
    picture = report["picture"]
    drawn = ET.fromstring(picture)  # noqa: S314 -- our own
    texts = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]

    assert "{http://www.w3.org/2000/svg}svg" == drawn.tag
    assert not re.search(r"href|script|url\(", picture)
    for group in report["by"]["month"]:
        assert group["key"] in texts
    told = [*lines_of(report)]
    assert f"differences: {report['differences']}" == told[-1]
    assert any(line.startswith("all pays more: ") for line in told)
