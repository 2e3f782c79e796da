"""Filings of chronic diseases: an institution files, an agency grants, and only then it counts."""

import json
from typing import Any

import pytest

from api.account.responses import AccountReply, ChronicFilingsReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    NATION,
    Desk,
    a_binding,
    a_person,
    an_account,
    is_answered,
    is_refused,
)
from tests.api.his.centre import a_centre
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.test_forwarding import connect
from tests.api.proof.tampering import counted, edited, place, without
from tests.exports import export_of, faults_in, leaves_of

LIUZHOU = "450200"
LIST = "/v1/accounts/P1/chronic-filings"
DISEASE = {
    "psn_no": "P1",
    "insutype": "310",
    "opsp_dise_code": "M03900",
    "opsp_dise_name": "高血压",
    "tel": "13800000000",
    "insu_optins": "990000",
    "ide_fixmedins_no": "H1",
    "ide_fixmedins_name": "第一人民医院",
    "hosp_ide_date": "2026-03-01",
    "diag_dr_codg": "D001",
    "diag_dr_name": "李医生",
    "begndate": "2026-03-01",
    "enddate": "2027-02-28",
}
LISTED = {
    "opsp_dise_code": "M03900",
    "opsp_dise_name": "高血压",
    "begndate": "2026-03-01",
    "enddate": "2027-02-28",
}


async def filed(his: His, **more: str) -> str:
    """2503: the filing's number."""
    told = await his.ask("2503", {"data": DISEASE | more})
    return str(told["result"]["trt_dcla_detl_sn"])


async def refusal(his: His, infno: str, data: dict[str, Any]) -> str:
    """The code of a refused message."""
    with pytest.raises(RefusedError) as refused:
        await his.ask(infno, {"data": data})
    return refused.value.code


async def listed(his: His) -> list[dict[str, Any]]:
    """5301."""
    rows: list[dict[str, Any]] = (await his.ask("5301", {"data": {"psn_no": "P1"}}))["feedetail"]
    return rows


async def reviews(desk: Desk, person: str = "P1") -> list[str]:
    """Where an agency reviews each filing of a person, the oldest first."""
    path = LIST.replace("P1", person)
    answer = is_answered(await desk.get(NATION, path), ChronicFilingsReply)
    return [f"{path}/{item['filing_id']}/review" for item in answer["items"]]


async def marks(desk: Desk) -> list[str]:
    """The marks on P1."""
    marked: list[str] = (await desk.get(AGENCY, "/v1/accounts/P1")).json()["flags"]
    return marked


async def test_a_filing_counts_once_an_agency_granted_it(desk: Desk) -> None:
    """Before that it is listed nowhere and marks nobody; when it ends the mark goes."""
    his = await a_hospital(desk)
    await filed(his)
    (review,) = await reviews(desk)
    assert ([], []) == (await listed(his), await marks(desk))

    granted = await desk.post(AGENCY, review, {"granted": True, "reason": "seen"})
    assert ["chronic_disease"] == is_answered(granted, AccountReply, 201)["flags"]
    assert [LISTED] == await listed(his)
    is_refused(await desk.post(AGENCY, review, {"granted": True}), 409, "NOT_IN_REVIEW")

    ended = await desk.post(AGENCY, review, {"granted": False})
    assert [] == is_answered(ended, AccountReply, 201)["flags"]
    assert [] == await listed(his)
    assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_a_grant_ends_what_the_sponsors_region_excludes(desk: Desk) -> None:
    """In Liuzhou who is registered gives nothing; a filing under review ends no binding yet."""
    await an_account(desk, "L1", "50.00", region=LIUZHOU)
    await an_account(desk, "L2", region=LIUZHOU, insurance="resident")
    binding = f"/v1/bindings/{await a_binding(desk, 'L1', 'L2')}"
    his = await a_hospital(desk)
    await filed(his, psn_no="L1")
    assert "active" == (await desk.get(NATION, binding)).json()["status"]

    (review,) = await reviews(desk, "L1")
    granted = await desk.post(NATION, review, {"granted": True})
    assert ["chronic_disease"] == is_answered(granted, AccountReply, 201)["flags"]
    assert "ended" == (await desk.get(NATION, binding)).json()["status"]
    assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_the_mark_stays_as_long_as_one_filing_is_in_force(desk: Desk) -> None:
    """Two diseases; who takes the mark off by hand takes both out of 5301."""
    his = await a_hospital(desk)
    await filed(his)
    await filed(his, opsp_dise_code="M01600", opsp_dise_name="糖尿病")
    for review in await reviews(desk):
        await desk.post(AGENCY, review, {"granted": True})
    await desk.post(AGENCY, (await reviews(desk))[1], {"granted": False})
    assert ([LISTED], ["chronic_disease"]) == (await listed(his), await marks(desk))

    await desk.send("PUT", AGENCY, "/v1/accounts/P1/flags", {"flags": []})
    assert [] == await listed(his)


async def test_a_filing_is_in_force_on_its_days(desk: Desk) -> None:
    """Both days included; one that has not begun is not granted yet, one that is over may come."""
    his = await a_hospital(desk)
    await filed(his, begndate="2026-03-02", enddate="2026-03-02")
    assert "DISEASE_FILED" == await refusal(his, "2503", DISEASE)
    (review,) = await reviews(desk)
    await desk.post(AGENCY, review, {"granted": True})
    assert 1 == len(await listed(his))

    desk.clock.at = desk.clock.at.replace(day=3)
    assert [] == await listed(his)
    await filed(his, begndate="2026-03-04")
    late = await desk.post(AGENCY, (await reviews(desk))[1], {"granted": True})
    is_refused(late, 422, "DATE_INVALID")
    wrong = DISEASE | {"opsp_dise_code": "M01600", "enddate": "2026-02-28"}
    assert "DATE_INVALID" == await refusal(his, "2503", wrong)


async def test_few_filings_wait_for_a_review(desk: Desk) -> None:
    """Twenty; who takes one back may file another."""
    his = await a_hospital(desk)
    numbers = [await filed(his, opsp_dise_code=f"M{place}") for place in range(20)]
    assert "FILING_LIMIT" == await refusal(his, "2503", DISEASE)
    await his.ask("2504", {"data": {"trt_dcla_detl_sn": numbers[7], "psn_no": "P1"}})
    await filed(his)


async def test_its_institution_takes_it_back_before_it_is_granted(desk: Desk) -> None:
    """Nobody else does, and afterwards only an agency ends it."""
    his, other = await a_hospital(desk), await a_pharmacy(desk)
    number = await filed(his)
    name = {"trt_dcla_detl_sn": number, "psn_no": "P1", "memo": "误报"}
    assert "NOT_FOUND" == await refusal(other, "2504", name)
    assert None is await his.ask("2504", {"data": name})
    assert "NOT_FOUND" == await refusal(his, "2504", name)

    number = await filed(his)
    (review,) = await reviews(desk)
    await desk.post(AGENCY, review, {"granted": True})
    assert "NOT_IN_REVIEW" == await refusal(his, "2504", name | {"trt_dcla_detl_sn": number})
    assert 1 == len(await listed(his))


async def test_who_looks_and_who_reviews(desk: Desk) -> None:
    """The person looks; neither the person nor another region's agency reviews."""
    await filed(await a_hospital(desk))
    (review,) = await reviews(desk)
    is_answered(await desk.get(a_person("P1"), LIST), ChronicFilingsReply)
    is_refused(await desk.get(a_person("S1"), LIST), 404, "NOT_FOUND")
    is_refused(await desk.post(a_person("P1"), review, {"granted": True}), 403, "NOT_PERMITTED")
    is_refused(await desk.post(AGENCY_ELSEWHERE, review, {"granted": True}), 404, "NOT_FOUND")
    unknown = review.replace("cdf_0", "cdf_1")
    is_refused(await desk.post(AGENCY, unknown, {"granted": True}), 404, "NOT_FOUND")


async def test_what_is_not_needed_is_not_kept(desk: Desk) -> None:
    """The log has the disease and its days; no telephone, doctor, address or remark."""
    his = await a_hospital(desk)
    await filed(his, addr="人民路一号", memo="无")
    log = b"".join(leaf.state for leaf in leaves_of(desk.context.store)).decode()

    assert "M03900" in log
    for unkept in ("13800000000", "人民路", "李医生"):
        assert unkept not in log
        assert json.dumps(unkept)[1:-1] not in log


async def test_a_message_that_comes_again_is_one_filing(desk: Desk) -> None:
    """With the same number as its answer."""
    his = await a_hospital(desk)
    msgid = his.msgid()
    told = [await his.ask("2503", {"data": DISEASE}, msgid) for _ in range(2)]

    assert told[0] == told[1]
    assert 1 == len(await reviews(desk))


async def test_a_regions_centre_keeps_the_register(desk: Desk) -> None:
    """Where there is a centre all three go to it, and nothing is kept here."""
    async with a_centre() as centre:
        await connect(desk, centre.url)
        his = await a_hospital(desk)
        for infno in ("2503", "2504", "5301"):
            assert {"infno": infno} == await his.ask(infno, {"data": DISEASE})

        assert 3 == centre.came
    assert [] == await reviews(desk)


async def test_drugs_are_told_of_visits_for_a_chronic_disease(desk_on_postgres: Desk) -> None:
    """5205: of such a visit its drugs alone, and nothing to another institution."""
    his = await a_hospital(desk_on_postgres)
    plain, chronic = await his.register("P1"), await his.register("P1", "OP2")
    described = {"psn_no": "P1", "mdtrt_id": chronic, "med_type": "140104"}
    await his.ask("2203", {"mdtrtinfo": described, "diseinfo": []})
    await his.ask("2204", {"feedetail": [his.fee(plain, "P1", "1", "9.90")]})
    lines = [
        his.fee(chronic, "P1", "1", "12.50"),
        his.fee(chronic, "P1", "2", "5.00", med_list_codg="001102000010000-110200001"),
    ]
    await his.ask("2204", {"feedetail": lines})
    asked = {"data": {"psn_no": "P1", "begntime": "2026-03-01 00:00:00"}}
    (row,) = (await his.ask("5205", asked))["feedetail"]
    elsewhere = await (await a_pharmacy(desk_on_postgres)).ask("5205", asked)

    assert ("1", 12.5, "140104") == (row["feedetl_sn"], row["pric"], row["med_type"])
    assert {"feedetail": []} == elsewhere


async def test_the_verifier_refuses_a_grant_of_nothing(desk: Desk) -> None:
    """A filing that is not there, one granted twice, and one taken back after its grant."""
    await filed(await a_hospital(desk))
    (review,) = await reviews(desk)
    for granted in (True, False):
        await desk.post(AGENCY, review, {"granted": granted})
    log = leaves_of(desk.context.store)
    assert [] == faults_in(export_of(log))
    forged = [
        counted(without(log, place(log, "account.chronic-disease-filed"))),
        edited(
            log,
            place(log, "account.chronic-disease-reviewed", 1),
            lambda stored: stored["event"].update(is_granted=True),
        ),
    ]

    for one in forged:
        assert {"life cycles"} == {fault.check for fault in faults_in(export_of(one))}
