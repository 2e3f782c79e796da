"""Every id that signals and traces show leads somewhere in the audit."""

import pytest

from api.audit.responses import AccountAsOfReply, FamilyAsOfReply, InstitutionAsOfReply
from api.audit.stream_routes import StreamReply
from service.ledger.memory_store import MemoryStore
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOSPITAL,
    Desk,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    is_answered,
    is_refused,
    untraced,
)

NO_ID = "0" * 32
AUDIT = "/v1/audit"


async def ids_of(desk: Desk) -> dict[str, str]:
    """One stream of every kind in the log, the last begun."""
    assert isinstance(desk.context.store, MemoryStore)
    return {recorded.stream[:3]: recorded.stream for recorded in desk.context.store.log}


async def a_busy_family(desk: Desk) -> dict[str, str]:
    await a_family(desk)
    await a_settlement(desk)
    held = await desk.post(HOSPITAL, "/v1/holds", a_claim(visit="v2", total="70.00"))
    assert 201 == held.status_code, held.text
    return await ids_of(desk)


async def test_an_id_is_an_address_as_the_number_is(desk: Desk) -> None:
    """Accounts, families and institutions answer the same by id as by number or code."""
    await a_busy_family(desk)
    for kind, named, member, model in (
        ("accounts", "P1", "account_id", AccountAsOfReply),
        ("institutions", HOSPITAL.subject, "institution_id", InstitutionAsOfReply),
    ):
        by_name = is_answered(await desk.get(AUDITOR, f"{AUDIT}/{kind}/{named}"), model)
        path = f"{AUDIT}/{kind}/{by_name[member]}"
        assert by_name == is_answered(await desk.get(AUDITOR, path), model)
        (seen,) = (await desk.get(AUDITOR, f"{AUDIT}/accesses?limit=1")).json()["items"]
        assert by_name[member] in seen["streams"]
    family = is_answered(await desk.get(AUDITOR, f"{AUDIT}/families/P1"), FamilyAsOfReply)
    path = f"{AUDIT}/families/{family['beneficiary']['account_id']}"
    assert family == is_answered(await desk.get(AUDITOR, path), FamilyAsOfReply)


@pytest.mark.parametrize(
    "kind", ["accounts/acc", "families/acc", "institutions/ins", "streams/acc"]
)
async def test_an_unknown_id_is_an_unknown_number(desk: Desk, kind: str) -> None:
    """404 for an auditor, 403 for everybody else, whether it exists or not."""
    ids = await a_busy_family(desk)
    path = f"{AUDIT}/{kind}_{NO_ID}"
    is_refused(await desk.get(AUDITOR, path), 404, "NOT_FOUND")
    known = f"{AUDIT}/{kind.partition('/')[0]}/{ids[kind[-3:]]}"
    for who in (AGENCY, a_person("P1"), HOSPITAL):
        refused = await desk.get(who, known)
        is_refused(refused, 403, "NOT_PERMITTED")
        assert untraced(refused) == untraced(await desk.get(who, path))


async def test_every_stream_tells_its_kind_and_where_it_is_looked_at(desk: Desk) -> None:
    """An auditor finds every kind of stream; the address it names answers."""
    ids = await a_busy_family(desk)
    assert {"acc", "bnd", "stl", "ins", "pol", "hld"} <= set(ids)
    for stream in ids.values():
        told = is_answered(await desk.get(AUDITOR, f"{AUDIT}/streams/{stream}"), StreamReply)
        assert stream == told["stream"]
        assert told["versions"] == told["events"][0]["version"]
        assert (told["address"] is None) == stream.startswith("pol_")
        if told["address"] is not None:
            assert 200 == (await desk.get(AUDITOR, told["address"])).status_code, stream
    for text in ("nonsense", f"xyz_{NO_ID}", f"stl_{NO_ID}", "acc_1"):
        is_refused(await desk.get(AUDITOR, f"{AUDIT}/streams/{text}"), 404, "NOT_FOUND")
