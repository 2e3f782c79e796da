"""Statements over PostgreSQL: for whom, in which language, and what is hidden."""

from dataclasses import replace

from aggregates.policy.choices import SponsorView
from api.account.statement_schemas import EntriesReply
from service.policy import publish
from service.regions.policy_book import PolicyBook
from tests.api.account.readers import (
    BILLS,
    CSV,
    ENGLISH,
    ENTRIES,
    P1,
    S1,
    S2,
    cancel,
    end,
    give_back,
    rows_of,
    texts,
)
from tests.api.clients import (
    AGENCY,
    BOOK,
    HOME,
    HOSPITAL,
    Desk,
    a_family,
    a_settlement,
    an_account,
    an_institution,
)


async def test_a_sponsor_reads_what_his_money_did(desk_on_postgres: Desk) -> None:
    """Amount, day, masked name and class, never the hospital's name (S120)."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk)
    await give_back(desk, settled["settlement_id"], "14.25")

    assert [
        "2026-03-02 退回为被共济人金***支付的 14.25 元(医疗机构)",
        "2026-03-02 为被共济人金***支付 44.25 元(医疗机构)",
        "2026-03-02 当年账户划入 500.00 元",
    ] == await texts(desk, S1, ENTRIES)
    assert [
        "2026-03-02: 14.25 yuan paid for 金*** returned (a medical institution)",
        "2026-03-02: 44.25 yuan paid for 金*** (a medical institution)",
        "2026-03-02: 500.00 yuan paid in as this year's money",
    ] == await texts(desk, S1, ENTRIES, **ENGLISH)
    answer = await desk.get(S1, ENTRIES.format("S1"), **ENGLISH)
    assert "en" == answer.headers["content-language"]
    assert "第一人民医院" not in answer.text
    lent = EntriesReply.model_validate(answer.json()).items[1]
    assert (None, "hospital", "金***") == (
        lent.institution,
        lent.institution_class,
        lent.beneficiary,
    )


async def test_a_patient_reads_his_own_visits(desk_on_postgres: Desk) -> None:
    """A patient's own bill names the institution, also a sensitive one."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_institution(desk, HOSPITAL, name="安定医院", sensitive=True)
    await a_settlement(desk)

    assert "2026-03-02 在安定医院就诊,本人账户支付 20.00 元" == (await texts(desk, P1, ENTRIES))[0]
    assert "2026-03-02 为被共济人金***支付 44.25 元(医疗机构)" in await texts(desk, S1, ENTRIES)


async def let_names_be_seen(desk: Desk) -> None:
    """Let sponsors of the home region see institutions' names from today on."""
    edition = BOOK.editions(HOME)[-1]
    open_one = replace(
        edition,
        id="p0/open",
        effective_on=desk.clock.at.date(),
        privacy=replace(edition.privacy, sponsor_view_institution=SponsorView.FULL),
    )
    desk.context.policies = PolicyBook({HOME: (*BOOK.editions(HOME), open_one)})
    await publish(desk.context)


async def test_a_region_may_name_institutions_until_they_part(desk_on_postgres: Desk) -> None:
    """Under FULL the name is shown, unless it is sensitive or the binding has ended."""
    desk = desk_on_postgres
    binding = await a_family(desk)
    await let_names_be_seen(desk)
    await a_settlement(desk)
    seen = (await texts(desk, S1, ENTRIES))[0]
    await an_institution(desk, HOSPITAL, sensitive=True)
    sensitive = (await texts(desk, S1, ENTRIES))[0]
    await an_institution(desk, HOSPITAL)
    path = f"/v1/bindings/{binding}/release"
    assert 201 == (await desk.post(S1, path, {"reason": "asked"})).status_code
    parted = (await texts(desk, S1, ENTRIES))[0]

    assert "2026-03-02 为被共济人金***支付 44.25 元(第一人民医院)" == seen
    assert "2026-03-02 为被共济人金***支付 44.25 元(医疗机构)" == sensitive == parted


async def test_money_that_could_not_return_is_told(desk_on_postgres: Desk) -> None:
    """An ended sponsor's return is kept aside under a ticket, outside the balance."""
    desk = desk_on_postgres
    await a_family(desk)
    settled = await a_settlement(desk)
    await end(desk, "S1", status="deceased")
    await cancel(desk, settled["settlement_id"])
    entry = (await desk.get(AGENCY, ENTRIES.format("S1"))).json()["items"][0]

    assert ("set_aside", "0.00", "44.25", "455.75") == tuple(
        entry[name] for name in ("kind", "amount", "aside", "balance_after")
    )
    assert settled["settlement_id"] == entry["settlement_id"]
    assert (
        f"2026-03-02 退回的 44.25 元暂不能记入账户,已另行保管(凭单 {entry['reference']})"
        == entry["text"]
    )


async def test_a_successor_learns_nothing_of_the_bill(desk_on_postgres: Desk) -> None:
    """A refund to a successor account names neither patient nor institution."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "S2")
    await let_names_be_seen(desk)
    settled = await a_settlement(desk)
    await end(desk, "S1", successor="S2")
    await cancel(desk, settled["settlement_id"])
    (entry,) = (await desk.get(S2, ENTRIES.format("S2"))).json()["items"]

    assert "2026-03-02 原账户的退款 44.25 元转入本账户" == entry["text"]
    assert [None] * 3 == [entry[n] for n in ("beneficiary", "institution", "institution_class")]


async def test_an_erased_person_is_somebody(desk_on_postgres: Desk) -> None:
    """A neutral word replaces an erased person's name on either side."""
    desk = desk_on_postgres
    await a_family(desk)
    await a_settlement(desk)
    await desk.context.store.pool.execute("DELETE FROM person_keys")  # type: ignore[attr-defined]

    assert "2026-03-02 为被共济人某人支付 44.25 元(医疗机构)" in await texts(desk, S1, ENTRIES)
    assert "配偶某人为您支付 44.25 元" in (await texts(desk, P1, BILLS))[0]
    table = await desk.get(P1, BILLS.format("P1"), **CSV, **ENGLISH)
    assert "somebody 44.25" == rows_of(table)[0]["who paid"]
