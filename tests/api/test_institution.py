"""Institutions, policies, and the operators' endpoints: alive, ready, metrics."""

from typing import Any

import pytest

from aggregates.institution import InstitutionDesignated
from aggregates.vocabulary import StreamId
from api.institution import InstitutionReply, PolicyReply
from service.ledger.memory_store import MemoryStore
from service.vault import KeyFileError
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
    "level": "2",
}
BEGUN = {
    "mulaid_mode": "contained",
    "fund_includes_acct": False,
    "numbers": True,
    "stmt_rslt": "national",
    "nulls": False,
    "acct_used_flag": "national",
}
SECRET = "a secret told once"
SIGNED = {"style": "x-tif", "paasid": "hosp_paas", "secret": SECRET}


async def test_an_institution_is_designated_and_read(desk: Desk) -> None:
    """The agency designates it; the institution, agencies and auditors read it."""
    put = await desk.send("PUT", AGENCY, PATH, BODY, {"Idempotency-Key": "k1"})
    answer = is_answered(put, InstitutionReply)

    begun = {"dialect": BEGUN, "signature": None, "version": 1, "position": answer["position"]}
    assert BODY | begun == answer
    for who in (AGENCY, NATION, AUDITOR, HOSPITAL):
        assert answer == is_answered(await desk.get(who, PATH), InstitutionReply)
    again = await desk.send("PUT", AGENCY, PATH, BODY, {"Idempotency-Key": "k1"})
    assert (put.content, "true") == (again.content, again.headers["idempotency-replayed"])
    other = await desk.send("PUT", AGENCY, PATH, BODY | {"name": "x"}, {"Idempotency-Key": "k1"})
    is_refused(other, 422, "IDEMPOTENCY_KEY_REUSED")


async def put(desk: Desk, **changes: object) -> dict[str, Any]:
    answer = await desk.send("PUT", AGENCY, PATH, BODY | changes)
    told: dict[str, Any] = is_answered(answer, InstitutionReply)
    return told


async def test_a_dialect_is_kept_until_it_is_changed(desk: Desk) -> None:
    """Fields that are not sent are unchanged; the same values are no event."""
    spoken = {"mulaid_mode": "contained", "stmt_rslt": "hubei"}
    assert BEGUN | spoken == (await put(desk, dialect=spoken))["dialect"]
    kept = await put(desk, name="第二人民医院")
    assert (2, BEGUN | spoken) == (kept["version"], kept["dialect"])
    said = await put(desk, name="第二人民医院", dialect={"numbers": False})
    assert (3, BEGUN | spoken | {"numbers": False}) == (said["version"], said["dialect"])
    again = await put(desk, name="第二人民医院", dialect=said["dialect"])
    assert said == again
    mixed = await desk.send("PUT", AGENCY, PATH, BODY | {"dialect": {"mulaid_mode": "post"}})
    is_refused(mixed, 422, "FIELD_INVALID")


async def test_a_secret_is_taken_and_never_shown(desk: Desk) -> None:
    """Style and name are shown; of the secret only that there is one."""
    shown = {"style": "x-tif", "paasid": "hosp_paas", "has_secret": True}
    first = await put(desk, signature=SIGNED)
    assert (1, shown) == (first["version"], first["signature"])
    for same in ({}, {"signature": SIGNED}, {"signature": SIGNED | {"secret": None}}):
        assert first == await put(desk, **same)
    other = await put(desk, signature=SIGNED | {"secret": "another"})
    assert (2, shown) == (other["version"], other["signature"])
    open_ = await put(desk, signature={"style": "none"})
    assert {"style": "none", "paasid": None, "has_secret": False} == open_["signature"]


@pytest.mark.parametrize("style", ["x-tif", "csb", "x-ca", "sm2"])
async def test_no_institution_signs_without_a_secret(desk: Desk, style: str) -> None:
    """New, after a closed network, or with an empty secret: 422, and no change."""
    bare = {"style": style, "paasid": "hosp_paas"}
    stands = desk.stands()
    refused = await desk.send("PUT", AGENCY, PATH, BODY | {"signature": bare})
    problem = is_refused(refused, 422, "FIELD_REQUIRED")
    assert [{"field": "signature.secret", "code": "FIELD_REQUIRED"}] == problem["errors"]
    assert stands == desk.stands()
    await put(desk, signature={"style": "none"})
    for signature in (bare, bare | {"secret": None}):
        again = await desk.send("PUT", AGENCY, PATH, BODY | {"signature": signature})
        is_refused(again, 422, "FIELD_REQUIRED")
    empty = await desk.send("PUT", AGENCY, PATH, BODY | {"signature": bare | {"secret": ""}})
    is_refused(empty, 422, "TEXT_INVALID")


async def test_a_secret_is_nowhere_in_clear(desk: Desk) -> None:
    """It is in no answer, event, head or stored key; it opens for its stream only."""
    await put(desk, signature=SIGNED)
    told = await desk.get(AUDITOR, PATH)
    store = desk.context.store
    assert isinstance(store, MemoryStore)
    last = store.log[-1]

    assert isinstance(last.event, InstitutionDesignated)
    assert last.event.sealed is not None
    for place in (told.text, repr(store.log), repr(store.heads), repr(store.keys)):
        assert SECRET not in place
    assert SECRET == desk.context.vault.unseal_secret(last.event.sealed, last.stream)
    with pytest.raises(KeyFileError, match="does not open"):
        desk.context.vault.unseal_secret(last.event.sealed, StreamId("ins_" + "0" * 32))


async def test_a_foreign_institution_looks_like_none(desk: Desk) -> None:
    """Other institutions and regions get the 404 of an unknown code."""
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
    """A suspended or ended institution gets 403 for a bill; it may still cancel."""
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
    """All regions or one, with every edition and source; an unknown region is 404."""
    one = is_answered(await desk.get(AUDITOR, f"/v1/policies/{HOME}"), PolicyReply)
    assert "p0/2020-01" == one["editions"][0]["id"]
    for who in (AGENCY, HOSPITAL, a_person("P1"), OPERATOR):
        assert one == (await desk.get(who, f"/v1/policies/{HOME}")).json()
    listed = (await desk.get(AUDITOR, "/v1/policies")).json()
    assert {HOME, ELSEWHERE, "350000"} <= {policy["region"] for policy in listed}
    assert one in listed
    wuhan = (await desk.get(AUDITOR, "/v1/policies/420106")).json()
    assert "420100" == wuhan["region"], "a district is of its city"
    assert wuhan in listed, "an area without accounts is listed too"
    is_refused(await desk.get(AUDITOR, "/v1/policies/810000"), 404, "NOT_FOUND")


async def test_the_operators_network_sees_it_live(desk: Desk) -> None:
    """Alive, ready with the log's position, and metrics, without a token."""
    assert {"status": "alive"} == (await desk.front.get("/livez")).json()
    ready = (await desk.front.get("/readyz")).json()
    assert ("ready", await desk.context.store.position()) == (ready["status"], ready["position"])
    await a_family(desk)
    await desk.post(HOSPITAL, "/v1/settlements", a_claim())
    measured = (await desk.front.get("/metrics")).text
    assert 'gongji_http_answers_total{method="POST",status="201"}' in measured
    assert 'gongji_ledger{number="commands"}' in measured
    assert HOSPITAL.subject not in measured
