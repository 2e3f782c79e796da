"""The questions that read models answer: by party, region, day and claim, page by page."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from aggregates.binding import binding as rules
from aggregates.binding.events import BindingReleased, InvitationDeclined
from aggregates.settlement.events import SettlementCancelled, SettlementRefused
from aggregates.vocabulary import BindingStatus, Relation, SettlementStatus, StreamId, instant
from projections import binding as bindings
from projections import credential_link as links
from projections.account import statement_entries as entries
from projections.binding import BindingFilter, BindingRow
from projections.kit.paging import CursorInvalidError, Page
from projections.settlement import settlements
from tests.projections.recorded_families import (
    BEGAN_AT,
    INSTITUTION,
    TODAY,
    Story,
    a_claim,
    a_confirmation,
    a_display,
    a_link,
    a_settlement,
    an_id,
    an_invitation,
    an_opening,
    families,
    members,
)
from tests.service.read_models.following import a_follower, a_store, append

NOW = instant(BEGAN_AT)
AROUND = [None, *(TODAY + timedelta(days=days) for days in (-1, 0, 1))]
LIFES: tuple[tuple[rules.BindingEvent, ...], ...] = (
    (),
    (InvitationDeclined(),),
    (a_confirmation(),),
    *(
        (a_confirmation(), BindingReleased(status=status, reason="asked", last_on=last_on))
        for status in (BindingStatus.RELEASED, BindingStatus.ENDED)
        for last_on in AROUND
    ),
)
SPONSOR, BENEFICIARY = an_id("acc", 1), an_id("acc", 2)


def every_standing() -> Story:
    """A binding for every way its life and the calendar can be to one another."""
    story = Story()
    offered = an_invitation(SPONSOR, BENEFICIARY)
    moments = [BEGAN_AT + timedelta(microseconds=off) for off in (-1, 0, 1)]
    for number, (life, until, at) in enumerate(product(LIFES, AROUND, moments)):
        invitation = replace(offered, valid_until=until, expires_at=at)
        story.tell(an_id("bnd", number), invitation, *life)
    for number, last in enumerate(AROUND[1:], 10_000):
        story.tell(an_id("bnd", number), replace(offered, review_until=last))
    return story


def standings(story: Story) -> dict[StreamId, BindingStatus]:
    """How every binding stands now, by its aggregate; the newest first."""
    folded: dict[StreamId, rules.Binding | None] = {}
    for stream, event in story.told:
        folded[stream] = rules.evolve(folded.get(stream), event)  # type: ignore[arg-type]
    return {s: b.status_at(NOW) for s, b in reversed(folded.items()) if b is not None}


async def all_pages(
    ask: Callable[[str | None], Awaitable[Page[BindingRow]]],
) -> list[BindingRow]:
    rows: list[BindingRow] = []
    cursor: str | None = None
    while True:
        page = await ask(cursor)
        rows += page.rows
        if (cursor := page.next) is None:
            return rows


async def test_a_binding_is_listed_as_it_stands_today(dsn: str) -> None:
    """Every status, also one that lapsed by itself, is what the aggregate says at that moment."""
    story = every_standing()
    expected = standings(story)
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, story.rows()), 20)
        for status in (None, *BindingStatus):
            rows = await all_pages(
                lambda cursor, status=status: bindings.of_party(  # type: ignore[misc]
                    store.pool, SPONSOR, BindingFilter(NOW, status, cursor, limit=7)
                )
            )
            wanted = [(b, s) for b, s in expected.items() if status in (None, s)]

            assert wanted == [(row.binding, row.status) for row in rows]
    assert set(expected.values()) == set(BindingStatus)


async def test_a_list_shows_the_bindings_of_its_party_or_region(dsn: str) -> None:
    """Sponsor and beneficiary see their binding, an agency what touches its region, once each."""
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        head = await append(store, families(range(1, 30)).rows())
        assert await follower.wait_for(head, 20)
        patient, sponsor, binding = members(9)
        for party in (patient, sponsor):
            (row,) = (await bindings.of_party(store.pool, party, BindingFilter(NOW))).rows
            assert (binding, patient, sponsor) == (row.binding, row.beneficiary, row.sponsor)
        of_region = await all_pages(
            lambda cursor: bindings.of_region(
                store.pool, "542500", BindingFilter(NOW, None, cursor, 4)
            )
        )
        of_all = await bindings.of_all(store.pool, BindingFilter(NOW, limit=200))
        nobody = await bindings.of_party(store.pool, an_id("acc", 999), BindingFilter(NOW))

    numbers = [n for n in reversed(range(1, 30)) if 1 in (n % 3, n // 3 % 3)]
    assert [an_id("bnd", n) for n in numbers] == [row.binding for row in of_region]
    assert 29 == len(of_all.rows)
    assert Page((), None) == nobody


async def test_a_party_whose_account_is_not_in_the_log_has_no_region(dsn: str) -> None:
    """A binding of accounts nobody opened is listed for its parties, and for one region."""
    story = Story()
    story.tell(SPONSOR, an_opening("350000"))
    story.tell(an_id("bnd", 1), an_invitation(SPONSOR, BENEFICIARY))
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, story.rows()), 20)

        assert 1 == len((await bindings.of_party(store.pool, BENEFICIARY, BindingFilter(NOW))).rows)
        assert 1 == len((await bindings.of_region(store.pool, "350000", BindingFilter(NOW))).rows)


async def test_a_statement_is_read_page_by_page(dsn: str) -> None:
    """Pages of a statement make up the whole, newest first, and money that comes in is on top."""
    patient, _, _ = members(3)
    rows = families([3]).rows()
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, rows), 20)
        whole = await entries.of_account(store.pool, patient)
        first = await entries.of_account(store.pool, patient, limit=2)
        second = await entries.of_account(store.pool, patient, first.next, 200)

    assert whole.rows == (*first.rows, *second.rows)
    assert (None, None) == (whole.next, second.next)
    assert sorted((e.position for e in whole.rows), reverse=True) == [
        e.position for e in whole.rows
    ]


async def test_a_day_and_a_claim_find_their_settlements(dsn: str) -> None:
    """A day lists what was decided on it; a claim every attempt, however long its visit's name."""
    patient, visit = an_id("acc", 1), "门诊" * 5000
    one, two, three, other = (an_id("stl", number) for number in range(4))
    claim = a_claim(patient, visit)
    settled_at = BEGAN_AT + timedelta(days=1)  # a hold of today, captured tomorrow
    tomorrow = replace(a_settlement(a_claim(patient, "v2")), settled_at=settled_at)
    story = Story()
    story.tell(one, a_settlement(claim), SettlementCancelled(reason="wrong"))
    story.tell(two, SettlementRefused(claim=claim, code="REGION_NOT_OPEN"))
    story.tell(three, a_settlement(claim))
    story.tell(other, tomorrow)
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, story.rows()), 20)
        day = await settlements.of_day(store.pool, INSTITUTION, TODAY, limit=2)
        rest = await settlements.of_day(store.pool, INSTITUTION, TODAY, day.next)
        found = await settlements.of_claim(store.pool, INSTITUTION, visit, "1")
        elsewhere = await settlements.of_claim(store.pool, an_id("ins", 8), visit, "1")

    assert [three, two, one] == [row.settlement for row in (*day.rows, *rest.rows)]
    assert [three, two, one] == [row.settlement for row in found]
    stood = (SettlementStatus.SETTLED, SettlementStatus.REFUSED, SettlementStatus.CANCELLED)
    assert stood == tuple(row.status for row in found)
    assert [] == elsewhere


async def test_a_link_is_listed_to_both_its_sides(dsn: str) -> None:
    """Guardian and member see their links, newest first, page by page, and what a code settled."""
    guardian, other, member = (an_id("acc", number) for number in (1, 2, 3))
    story = Story()
    story.tell(an_id("lnk", 1), a_link(guardian, member), a_display(guardian, member, "c1"))
    story.tell(an_id("lnk", 2), a_link(other, member))
    for number in (1, 2):
        settled = a_settlement(a_claim(member, f"v{number}", credential="c1"))
        story.tell(an_id("stl", number), settled)
    async with a_store(dsn) as store, a_follower(dsn, store.pool) as follower:
        assert await follower.wait_for(await append(store, story.rows()), 20)
        seen = [await links.of_party(store.pool, who) for who in (guardian, other, member)]
        first = await links.of_party(store.pool, member, limit=1)
        second = await links.of_party(store.pool, member, first.next, 1)
        uses = await links.uses_of(store.pool, ["c1", "c2"])

    assert [[1], [2], [2, 1]] == [[int(row.link[8:], 16) for row in page.rows] for page in seen]
    assert (seen[2].rows, None) == ((*first.rows, *second.rows), second.next)
    assert (2, Relation.PARENT) == (seen[0].rows[0].version, seen[0].rows[0].relation)
    assert {"c1": [an_id("stl", 1), an_id("stl", 2)]} == uses


async def test_a_bad_cursor_is_refused_by_every_list(dsn: str) -> None:
    """No list takes a cursor that none of them gave."""
    async with a_store(dsn) as store:
        for asked in (
            bindings.of_party(store.pool, SPONSOR, BindingFilter(NOW, cursor="?")),
            entries.of_account(store.pool, SPONSOR, "?"),
            settlements.of_day(store.pool, INSTITUTION, TODAY, "?"),
            links.of_party(store.pool, SPONSOR, "?"),
        ):
            with pytest.raises(CursorInvalidError):
                await asked
