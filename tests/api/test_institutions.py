"""Institutions, policies, and what operators ask: alive, ready, measured."""

from api.replies import InstitutionReply, PolicyReply
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOME,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    a_claim,
    a_family,
    a_person,
    an_institution,
    is_answered,
    is_refused,
    untraced,
)

PATH = f"/v1/institutions/{HOSPITAL.subject}"
BODY = {
    "code": HOSPITAL.subject,
    "name": "第一人民医院",
    "class": "hospital",
    "region": HOME,
    "status": "active",
    "opened_regions": [ELSEWHERE],
    "sensitive": False,
}


async def test_an_institution_is_designated_and_read(desk: Desk) -> None:
    """The agency puts it under agreement; itself, agencies and auditors read it back."""
    put = await desk.send("PUT", AGENCY, PATH, BODY, {"Idempotency-Key": "k1"})
    answer = is_answered(put, InstitutionReply)

    assert BODY | {"version": 1, "position": answer["position"]} == answer
    for who in (AGENCY, NATION, AUDITOR, HOSPITAL):
        assert answer == is_answered(await desk.get(who, PATH), InstitutionReply)
    again = await desk.send("PUT", AGENCY, PATH, BODY, {"Idempotency-Key": "k1"})
    assert (put.content, "true") == (again.content, again.headers["idempotency-replayed"])
    other = await desk.send("PUT", AGENCY, PATH, BODY | {"name": "x"}, {"Idempotency-Key": "k1"})
    is_refused(other, 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_foreign_institution_looks_like_none(desk: Desk) -> None:
    """Other institutions and other regions get the 404 of a code that nobody has."""
    await an_institution(desk)
    for who in (PHARMACY, AGENCY_ELSEWHERE):
        foreign = await desk.get(who, PATH)
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(await desk.get(who, "/v1/institutions/H1"))
    moved = await desk.send("PUT", AGENCY_ELSEWHERE, PATH, BODY | {"region": ELSEWHERE})
    is_refused(moved, 404, "NOT_FOUND")
    is_refused(await desk.send("PUT", HOSPITAL, PATH, BODY), 403, "NOT_PERMITTED")
    is_refused(await desk.send("PUT", AUDITOR, PATH, BODY), 403, "READ_ONLY_ROLE")
    is_refused(await desk.send("PUT", AGENCY, f"{PATH}1", BODY), 422, "FIELD_INVALID")


async def test_an_ended_agreement_settles_nothing(desk: Desk) -> None:
    """Suspended or ended, the refusal is 403 and keeps its number; a cancellation still goes."""
    await a_family(desk)
    settled = (await desk.post(HOSPITAL, "/v1/settlements", a_claim())).json()
    for status in ("suspended", "ended"):
        await an_institution(desk, status=status)
        refused = await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=status))
        problem = is_refused(refused, 403, "INSTITUTION_NOT_DESIGNATED")
        assert status == problem["current_status"]
    path = f"/v1/settlements/{settled['settlement_id']}/cancellation"
    assert 201 == (await desk.post(HOSPITAL, path, {})).status_code


async def test_everybody_reads_the_policies(desk: Desk) -> None:
    """All regions, or one, with every edition and its source; an unknown region is 404."""
    one = is_answered(await desk.get(AUDITOR, f"/v1/policies/{HOME}"), PolicyReply)
    assert "p0/2020-01" == one["editions"][0]["id"]
    for who in (AGENCY, HOSPITAL, a_person("P1"), OPERATOR):
        assert one == (await desk.get(who, f"/v1/policies/{HOME}")).json()
    listed = (await desk.get(AUDITOR, "/v1/policies")).json()
    assert {HOME, ELSEWHERE, "350000"} <= {policy["region"] for policy in listed}
    assert one in listed
    is_refused(await desk.get(AUDITOR, "/v1/policies/110000"), 404, "NOT_FOUND")


async def test_the_operators_network_sees_it_live(desk: Desk) -> None:
    """Alive, ready with the log's position, and counted by method and status, without a token."""
    assert {"status": "alive"} == (await desk.front.get("/livez")).json()
    ready = (await desk.front.get("/readyz")).json()
    assert ("ready", await desk.house.store.position()) == (ready["status"], ready["position"])
    await a_family(desk)
    await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    measured = (await desk.front.get("/metrics")).text
    assert 'gongji_http_answers_total{method="POST",status="201"}' in measured
    assert 'gongji_ledger{number="commands"}' in measured
    assert HOSPITAL.subject not in measured
