"""What a patient must show at a counter of the national interface (regions.md §3)."""

import pytest

from tests.api.clients import Desk
from tests.api.his.client import RefusedError
from tests.api.his.desks import a_hospital, a_pharmacy
from tests.api.his.test_edges import a_charged_visit


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
