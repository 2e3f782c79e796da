"""A credential link moves no money: every bill is split the same with it and without (R203)."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import to_json

from aggregates.vocabulary import Relation
from service.caller import institution
from service.person.credentials import Identity
from service.settlement.claims import SettleBill
from service.settlement.quote import quote
from tests.cases.reading import Counter, Step, yuan
from tests.cases.service_driver import ServiceDriver
from tests.service.credential_link.guardian_family import Life, come, must, settled_in, shown_in

HOSPITAL = institution(Counter().code)

fen = st.integers(0, 30_000)
lives = st.builds(
    Life,
    st.none() | fen,
    st.lists(st.tuples(fen, st.none() | fen), max_size=3).map(tuple),
    fen,
    st.integers(0, 60_000),
    st.sampled_from(Relation),
)


async def quoted(driver: ServiceDriver, life: Life, named: Identity) -> dict[str, Any]:
    """The answer of a settlement without the digest of the claim."""
    bill = SettleBill(
        beneficiary=named,
        visit="v",
        charge_batch="1",
        med_type="11",
        treated_at=driver.clock.at,
        total_fen=life.personal_fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=bytes(32),
    )
    assert driver.context is not None
    answer = json.loads((await quote(driver.context, HOSPITAL, bill)).answer)
    del answer["plan_hash"]
    return dict(answer)


async def without_and_with(life: Life) -> None:
    driver = ServiceDriver()
    try:
        await come(driver, life)
        without = await quoted(driver, life, Identity("person_no", "A"))
        await must(driver, Step(do="link", by="G", who="A", relation=life.relation))
        linked = await quoted(driver, life, Identity("person_no", "A"))
        await must(driver, Step(do="agree", link="G>A"))
        shown = await must(driver, Step(do="show", link="G>A"))
        by_code = await quoted(driver, life, Identity("e_credential", shown.code))
        assert to_json(without) == to_json(linked) == to_json(by_code)

        bill = Step(do="settle", shown="shown", personal=yuan(life.personal_fen), visit="v")
        paid = await must(driver, bill, shown=shown)
        await must(driver, Step(do="cancel", of="paid"), paid=paid)
        await must(driver, replace(bill, shown=""))
        first, second = settled_in(driver.context)
        assert shown_in(driver.context)[0].code == first.claim.credential
        assert None is second.claim.credential
        assert first.claim == replace(second.claim, credential=first.claim.credential)
        for member in ("payers", "reasons", "own_fen", "aid_fen", "cash_fen", "own_after_fen"):
            assert getattr(first, member) == getattr(second, member)
        assert (life.guardian_fen, 0) == await driver.left("G")
    finally:
        await driver.close()


@settings(max_examples=40, deadline=None)
@given(lives)
def test_a_link_changes_no_fen_of_any_bill(life: Life) -> None:
    """Links and shown codes do not change the split (R203)."""
    with asyncio.Runner() as loop:
        loop.run(without_and_with(life))
