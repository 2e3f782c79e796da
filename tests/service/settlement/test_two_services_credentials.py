"""Two processes on one ledger: a credential that one withdraws is worth nothing in the other."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregates.refusals import CredentialUnknownError, UnknownError
from aggregates.vocabulary import CredentialType
from service.account import credentials
from service.context import ServiceContext
from service.person.credentials import Identity
from service.settlement.claims import SettleBill
from service.settlement.settle import settle
from tests.service.settlement.settled_family import (
    AT,
    HOSPITAL,
    PATIENT,
    SPONSORS,
    a_context,
    asked,
    move_in,
)

CARD = Identity("social_card", "SC-1")


def of(person_no: str) -> credentials.CredentialOf:
    return credentials.CredentialOf(
        person_no=person_no, kind=CredentialType.SOCIAL_CARD, value=CARD.value, reason="lost"
    )


async def pays(context: ServiceContext, visit: str, person_no: str = PATIENT) -> bool:
    bill = SettleBill(
        beneficiary=Identity("person_no", person_no),
        visit=visit,
        charge_batch="1",
        med_type="11",
        treated_at=AT,
        total_fen=100,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=CARD,
        plan=None,
        digest=b"",
    )
    try:
        return (await settle(context, asked(HOSPITAL, visit), bill)).refusal is None
    except (CredentialUnknownError, UnknownError):
        return False


@pytest.fixture
async def contexts(dsn: str, tmp_path: Path) -> AsyncIterator[tuple[ServiceContext, ...]]:
    """Two contexts on one ledger, with one key file."""
    async with a_context(dsn, tmp_path) as here, a_context(dsn, tmp_path) as there:
        await move_in(here)
        yield here, there


async def test_a_card_withdrawn_there_is_unknown_here(contexts: tuple[ServiceContext, ...]) -> None:
    """Also when this process has just read it; and whoever gets it next can use it in both."""
    here, there = contexts
    await credentials.add_credential(here, asked(), of(PATIENT))
    assert await pays(here, "v1")
    assert await pays(there, "v2")

    await credentials.withdraw_credential(there, asked(), of(PATIENT))
    told = await asyncio.gather(*(pays(c, f"w{n}-{id(c)}") for n in range(3) for c in contexts))
    assert [False] * 6 == told

    await credentials.add_credential(here, asked(), of(SPONSORS[0]))
    assert await pays(here, "v3", SPONSORS[0])
    assert await pays(there, "v4", SPONSORS[0])
