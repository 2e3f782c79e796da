"""Quotes, settlements and their cancellation over HTTP."""

import pytest

from api.settlement.responses import CancellationReply, PartReply, QuoteReply, SettlementReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    is_answered,
    is_refused,
    untraced,
)

PATH = "/v1/settlements"
UNKNOWN_ID = "stl_" + "0" * 32


async def test_own_account_first_then_the_sponsor(desk: Desk) -> None:
    """The patient's 20.00 are spent before his wife's account gives the other 44.25."""
    await a_family(desk)
    settled = await desk.post(HOSPITAL, PATH, a_claim(), "k1")

    answer = is_answered(settled, SettlementReply, 201)
    assert ("20.00", "44.25", "0.00") == (answer["own"], answer["aid"], answer["cash"])
    assert [(0, "own", "20.00", None), (1, "sponsor", "44.25", None)] == [
        tuple(payer.values()) for payer in answer["payers"]
    ]
    assert ("settled", "applied", "used", "0.00") == (
        answer["status"],
        answer["outcome"],
        answer["own_account"],
        answer["own_balance_after"],
    )
    assert ("0.00", "455.75") == (await desk.balance("P1"), await desk.balance("S1"))


async def test_a_quote_shows_the_same_members_and_stores_nothing(desk: Desk) -> None:
    """A quote has the members of the settlement, a hash and an expiry; the log does not change."""
    await a_family(desk)
    before = desk.stands()
    quoted = is_answered(await desk.post(HOSPITAL, "/v1/quotes", a_claim()), QuoteReply)

    assert before == desk.stands()
    settled = await a_settlement(desk, plan_hash=quoted["plan_hash"])
    shared = set(quoted) & set(settled) - {"position"}
    assert {"own", "aid", "cash", "payers", "reasons"} <= shared
    assert {name: quoted[name] for name in shared} == {name: settled[name] for name in shared}
    assert len(quoted["plan_hash"]) <= 200


async def test_a_changed_plan_is_told_and_settles_with_a_new_key(desk: Desk) -> None:
    """After a credit the quote is not the plan any more; the refusal holds the new one."""
    await a_family(desk)
    quoted = (await desk.post(HOSPITAL, "/v1/quotes", a_claim())).json()
    await desk.post(NATION, "/v1/accounts/P1/credits", {"amount": "1.00"})
    refused = await desk.post(HOSPITAL, PATH, a_claim(plan_hash=quoted["plan_hash"]), "k1")

    problem = is_refused(refused, 409, "PLAN_CHANGED")
    assert ("21.00", "43.25") == (problem["plan"]["own"], problem["plan"]["aid"])
    again = await desk.post(HOSPITAL, PATH, a_claim(plan_hash=quoted["plan_hash"]), "k1")
    assert untraced(refused) == untraced(again)
    assert "true" == again.headers["idempotency-replayed"]
    await a_settlement(desk, "k2", plan_hash=problem["plan"]["plan_hash"])


async def test_a_quote_is_held_against_time_and_claim(desk: Desk) -> None:
    """An old quote is expired, another claim's is CLAIM_CHANGED, and a forged one is invalid."""
    await a_family(desk)
    quoted = (await desk.post(HOSPITAL, "/v1/quotes", a_claim())).json()["plan_hash"]
    other = a_claim(total="128.51", plan_hash=quoted)
    is_refused(await desk.post(HOSPITAL, PATH, other), 409, "CLAIM_CHANGED")
    forged = a_claim(plan_hash=quoted[:30] + quoted[30:60][::-1] + quoted[60:])
    is_refused(await desk.post(HOSPITAL, PATH, forged), 422, "PLAN_HASH_INVALID")
    desk.clock.at = desk.clock.at.replace(hour=11)

    is_refused(await desk.post(HOSPITAL, PATH, other), 409, "QUOTE_EXPIRED")


async def test_a_live_bill_is_settled_once(desk: Desk) -> None:
    """The same visit and batch under a new key is refused, and names the live settlement."""
    await a_family(desk)
    live = await a_settlement(desk)
    refused = await desk.post(HOSPITAL, PATH, a_claim(total="200.00"))

    problem = is_refused(refused, 409, "DUPLICATE_CLAIM")
    assert live["settlement_id"] == problem["settlement_id"]


async def test_a_cancellation_returns_every_fen(desk: Desk) -> None:
    """All money is returned where it came from, once; then the bill may be settled again."""
    await a_family(desk)
    settled = await a_settlement(desk)
    path = f"{PATH}/{settled['settlement_id']}/cancellation"
    cancelled = await desk.post(HOSPITAL, path, {"reason": "wrong patient"}, "c1")

    answer = is_answered(cancelled, CancellationReply, 201)
    assert {"own": "20.00", "aid": "44.25", "cash": "0.00"} == answer["returned"]
    assert ("20.00", "500.00") == (await desk.balance("P1"), await desk.balance("S1"))
    assert "cancelled" == (await desk.get(HOSPITAL, path[:-13])).json()["status"]
    again = await desk.post(HOSPITAL, path, {"reason": "wrong patient"}, "c1")
    assert (cancelled.content, "true") == (again.content, again.headers["idempotency-replayed"])
    is_refused(await desk.post(HOSPITAL, path, {}), 409, "ALREADY_CANCELLED")
    await a_settlement(desk)


async def test_each_sees_his_own_part(desk: Desk) -> None:
    """The patient sees the split, a sponsor the own part; agency and auditor see accounts."""
    await a_family(desk)
    await an_account(desk, "X1")
    settlement_id = (await a_settlement(desk))["settlement_id"]
    path = f"{PATH}/{settlement_id}"

    patient = is_answered(await desk.get(a_person("P1"), path), SettlementReply)
    assert ["20.00", "44.25"] == [payer["amount"] for payer in patient["payers"]]
    sponsor = is_answered(await desk.get(a_person("S1"), path), PartReply)
    assert "44.25" == sponsor["paid_by_you"]
    assert not {"total", "own", "payers", "own_balance_after"} & set(sponsor)
    for who in (AGENCY, NATION, AUDITOR):
        seen = (await desk.get(who, path)).json()
        assert all(payer["account"].startswith("acc_") for payer in seen["payers"])


async def test_what_is_not_yours_looks_like_nothing(desk: Desk) -> None:
    """For strangers a settlement and an unknown id are the same 404, to read or to cancel."""
    await a_family(desk)
    await an_account(desk, "X1")
    await an_institution(desk, PHARMACY)
    settlement_id = (await a_settlement(desk))["settlement_id"]
    before = desk.stands()

    for who in (PHARMACY, a_person("X1"), a_person("NOBODY"), AGENCY_ELSEWHERE):
        foreign = await desk.get(who, f"{PATH}/{settlement_id}")
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(await desk.get(who, f"{PATH}/{UNKNOWN_ID}"))
    foreign, unknown, wild = [
        await desk.post(PHARMACY, f"{PATH}/{name}/cancellation", {})
        for name in (settlement_id, UNKNOWN_ID, "no-id%00")
    ]
    is_refused(foreign, 404, "NOT_FOUND")
    assert untraced(foreign) == untraced(unknown) == untraced(wild)
    assert before == desk.stands()


@pytest.mark.parametrize("who", [AGENCY, a_person("P1"), OPERATOR, AUDITOR], ids=lambda w: w.role)
async def test_only_institutions_settle(desk: Desk, who: object) -> None:
    """Every other role is refused, and nothing changes."""
    await a_family(desk)
    settled = await a_settlement(desk)
    before = desk.stands()
    code = "READ_ONLY_ROLE" if who is AUDITOR else "NOT_PERMITTED"

    for path in (PATH, "/v1/quotes", f"{PATH}/{settled['settlement_id']}/cancellation"):
        body = {} if path.endswith("cancellation") else a_claim(visit="v2")
        is_refused(await desk.post(who, path, body), 403, code)  # type: ignore[arg-type]
    assert before == desk.stands()


async def test_an_unknown_institution_is_not_designated(desk: Desk) -> None:
    """A token for a code without an agreement settles nothing."""
    await a_family(desk)

    is_refused(await desk.post(PHARMACY, PATH, a_claim()), 403, "INSTITUTION_NOT_DESIGNATED")


async def test_a_credential_must_be_the_patients(desk: Desk) -> None:
    """The wife's card does not settle her husband's visit."""
    await a_family(desk)
    hers = a_claim(credential={"type": "person_no", "value": "S1"})

    is_refused(await desk.post(HOSPITAL, PATH, hers), 422, "CREDENTIAL_MISMATCH")
    await a_settlement(desk, credential={"type": "id_card", "value": "11010519491231002X"})


async def test_a_bill_with_no_personal_part_settles_without_a_debit(desk: Desk) -> None:
    """The fund paid all: settled without a debit, and no payer was needed."""
    await a_family(desk)
    answer = await a_settlement(desk, total="64.25")

    assert {"0.00"} == {answer[name] for name in ("personal", "own", "aid", "cash")}
    assert ["NOT_NEEDED", "NOT_NEEDED"] == [payer["reason"] for payer in answer["payers"]]
    assert "20.00" == await desk.balance("P1")


async def test_a_region_that_is_not_open_says_so(desk: Desk) -> None:
    """In a far province aid does not pay: the reason is on the claim, the rest is cash."""
    await a_family(desk)
    await an_institution(desk, PHARMACY, region=ELSEWHERE)
    answer = (await desk.post(PHARMACY, PATH, a_claim())).json()

    assert ("20.00", "0.00", "44.25") == (answer["own"], answer["aid"], answer["cash"])
    assert set(answer["reasons"]) & {"REGION_NOT_OPEN", "FILING_REQUIRED"}


async def test_a_sponsors_name_number_and_balance_stay_hidden(desk: Desk) -> None:
    """No answer to an institution holds a sponsor's number, name, account or balance."""
    await a_family(desk)
    quoted = await desk.post(HOSPITAL, "/v1/quotes", a_claim())
    settled = await desk.post(HOSPITAL, PATH, a_claim(), "k1")
    path = f"{PATH}/{settled.json()['settlement_id']}"
    seen = [quoted, settled, await desk.get(HOSPITAL, path)]
    seen += [await desk.get(HOSPITAL, f"{PATH}?key=k1"), await desk.post(HOSPITAL, PATH, a_claim())]
    seen.append(await desk.post(HOSPITAL, f"{path}/cancellation", {}))

    for answer in seen:
        for secret in ("S1", "王某", "acc_", "bnd_", "500.00", "455.75", "ID-S1"):
            assert secret not in answer.text
