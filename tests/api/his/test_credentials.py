"""What a patient must show at a counter of the national interface (regions.md §3)."""

from datetime import timedelta
from typing import Any

import pytest

from aggregates.settlement.events import Claim, Settled
from service.ledger.memory_store import MemoryStore
from service.runtime.identified import Identified
from tests.api.clients import Desk
from tests.api.credentialed import ask_a_verifier, require_a_credential
from tests.api.his.client import His, RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.test_edges import a_charged_visit

NOTHING = {"mdtrt_cert_type": "02", "mdtrt_cert_no": ""}
"""No credential in a message."""


@pytest.mark.parametrize("kind", ["01", "03"])
@pytest.mark.parametrize("person", ["P1", "S1"])
async def test_a_token_that_nobody_confirms_pays_nothing(
    desk: Desk, kind: str, person: str
) -> None:
    """A made-up token is refused whoever's person number stands beside it; nobody is debited."""
    his = await a_hospital(desk)
    visit = await a_charged_visit(his, person=person)
    before = [await desk.balance(number) for number in ("P1", "S1")]
    token = {"mdtrt_cert_type": kind, "mdtrt_cert_no": "made-up-token"}

    for infno in ("2206", "2207"):
        with pytest.raises(RefusedError) as refused:
            await his.ask(infno, his.bill(visit, person, "128.50", **token))
        assert "CREDENTIAL_UNKNOWN" == refused.value.code

    assert before == [await desk.balance(number) for number in ("P1", "S1")]


@pytest.mark.parametrize("kind", ["01", "03", "02", "99"])
async def test_a_made_up_token_buys_nothing(desk: Desk, kind: str) -> None:
    """At a drugstore too, with every type of credential that a client may state."""
    his = await a_pharmacy(desk)
    token = {"mdtrt_cert_type": kind, "mdtrt_cert_no": "made-up-token"}

    for infno in ("2101", "2102"):
        with pytest.raises(RefusedError) as refused:
            await his.ask(infno, his.purchase("P1", "30.00", "I-1", **token))
        assert "CREDENTIAL_UNKNOWN" == refused.value.code

    assert ["20.00", "500.00"] == [await desk.balance(number) for number in ("P1", "S1")]


async def answered(his: His, infno: str, sent: dict[str, Any]) -> str:
    """The code of a refusal; empty where the message was accepted."""
    try:
        await his.ask(infno, sent)
    except RefusedError as refused:
        return refused.code
    return ""


@pytest.mark.parametrize("infno", ["2206", "2207"])
async def test_a_region_may_require_a_credential(desk: Desk, infno: str) -> None:
    """Then a person number alone pays nothing."""
    await require_a_credential(desk)
    his = await a_hospital(desk)
    registration = his.registration("P1")
    registration["data"] |= NOTHING
    visit = str((await his.ask("2201", registration))["data"]["mdtrt_id"])
    await his.ask("2204", {"feedetail": [his.fee(visit, "P1", "1", "128.50")]})

    bare = his.bill(visit, "P1", "128.50", **NOTHING)
    assert "CREDENTIAL_REQUIRED" == await answered(his, infno, bare)
    assert "" == await answered(his, infno, his.bill(visit, "P1", "128.50"))


async def test_a_visit_keeps_the_credential_of_its_registration(desk: Desk) -> None:
    """2201 with a credential, 2207 without one: it was shown, and the log says so."""
    await require_a_credential(desk)
    his = await a_hospital(desk)
    visit = await a_charged_visit(his)
    desk.context.identified = Identified()

    await his.ask("2207", his.bill(visit, "P1", "128.50", **NOTHING))

    assert ["VISIT"] == [claim.proven_by for claim in claims(desk)]


async def test_a_visit_keeps_what_1101_verified(desk: Desk) -> None:
    """A client that sends the credential in 1101 only settles for half an hour, and not later."""
    await require_a_credential(desk)
    his = await a_pharmacy(desk)
    who = {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": "ID-P1"}}

    assert "CREDENTIAL_REQUIRED" == await answered(
        his, "2102", his.purchase("P1", "1.00", "I-1", **NOTHING)
    )
    await his.ask("1101", who)
    assert "" == await answered(his, "2102", his.purchase("P1", "1.00", "I-2", **NOTHING))
    others = await a_hospital(desk)
    assert "CREDENTIAL_REQUIRED" == await answered(
        others, "2102", others.purchase("P1", "1.00", "I-3", **NOTHING)
    )
    desk.clock.at += timedelta(minutes=31)
    assert "CREDENTIAL_REQUIRED" == await answered(
        his, "2102", his.purchase("P1", "1.00", "I-4", **NOTHING)
    )


async def test_a_verifier_confirms_tokens(desk: Desk) -> None:
    """Its word is whose the token is; what it does not know is refused."""
    await require_a_credential(desk)
    ask_a_verifier(desk, {"EC-1": "ID-P1", "EC-2": "ID-S1"})
    his = await a_pharmacy(desk)
    for token, expected in (
        ("EC-1", ""),
        ("EC-2", "CREDENTIAL_MISMATCH"),
        ("EC-3", "CREDENTIAL_UNKNOWN"),
        ("down", "STORE_UNAVAILABLE"),
    ):
        shown = {"mdtrt_cert_type": "01", "mdtrt_cert_no": token}
        bill = his.purchase("P1", "1.00", f"I-{token}", **shown)
        assert expected == await answered(his, "2102", bill)
    assert ["VERIFIER"] == [claim.proven_by for claim in claims(desk)]
    who = {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": "EC-2"}}
    assert "S1" == (await his.ask("1101", who))["baseinfo"]["psn_no"]


async def test_an_outage_may_be_accepted_with_a_mark(desk: Desk) -> None:
    """The setting accepts what the verifier does not answer about; the claim says OUTAGE."""
    await require_a_credential(desk)
    ask_a_verifier(desk, {}, "accept")
    his = await a_pharmacy(desk)
    shown = {"mdtrt_cert_type": "01", "mdtrt_cert_no": "down"}

    assert "" == await answered(his, "2102", his.purchase("P1", "1.00", "I-1", **shown))
    assert "NOT_FOUND" == await answered(
        his, "1101", {"data": {"mdtrt_cert_type": "01", "mdtrt_cert_no": "down"}}
    )
    assert ["OUTAGE"] == [claim.proven_by for claim in claims(desk)]


def claims(desk: Desk) -> list[Claim]:
    store = desk.context.store
    assert isinstance(store, MemoryStore), "the log is read whole"
    return [told.event.claim for told in store.log if isinstance(told.event, Settled)]
