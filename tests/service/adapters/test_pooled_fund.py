"""A region's core system answers the fund's part, and its answer must add up."""

import json
from datetime import datetime
from typing import Any

import httpx
import pytest

from aggregates.visit import Fee
from aggregates.vocabulary import BEIJING, InstitutionKind, Insurance, Setting
from api.http.asgi import Receive, Scope, Send
from service.adapters.pooled_fund import (
    CoreSystem,
    CoverRequest,
    Funds,
    FundUnavailableError,
    cores_of,
    load_table,
)

FEE = Fee(
    line="1",
    batch="1",
    code="XA",
    amount_fen=12850,
    count="1",
    price="128.5",
    occurred_at=datetime(2026, 3, 2, tzinfo=BEIJING),
)
ASKED = CoverRequest(
    "990000", Insurance.EMPLOYEE, InstitutionKind.HOSPITAL, Setting.OUTPATIENT, "11", (FEE,)
)
PART = {"category": "drug", "part": "in_scope", "amount_fen": 2850}


def a_core(said: bytes, heard: list[dict[str, Any]], status: int = 200) -> CoreSystem:
    """A core system that records requests and answers."""

    async def answer(_: Scope, receive: Receive, send: Send) -> None:
        heard.append(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": said})

    return CoreSystem("http://core/share", httpx.AsyncClient(transport=httpx.ASGITransport(answer)))


async def test_a_core_system_is_believed() -> None:
    """Its answer is used for the fund's and the patient's part; it gets no account id."""
    heard: list[dict[str, Any]] = []
    core = a_core(json.dumps({"fund_fen": 10000, "personal": [PART]}).encode(), heard)
    split = await core.share(ASKED)
    await core.close()

    assert (12850, 10000, 2850) == (split.total_fen, split.fund_fen, split.lines[0].amount_fen)
    told = {"region", "insurance", "kind", "setting", "med_type", "fees", "level", "age"}
    assert told == set(heard[0])


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"fund_fen": 10000, "personal": []}, 200),
        ({"fund_fen": 12851, "personal": [PART | {"amount_fen": -1}]}, 200),
        ({"fund_fen": "10000", "personal": [PART]}, 200),
        ({"fund_fen": 10000, "personal": [PART | {"category": "gold"}]}, 200),
        ({}, 200),
        ({"fund_fen": 10000, "personal": [PART]}, 500),
    ],
)
async def test_what_does_not_add_up_is_no_answer(said: dict[str, Any], status: int) -> None:
    """An answer with missing, negative or unknown parts is refused."""
    core = a_core(json.dumps(said).encode(), [], status)
    with pytest.raises(FundUnavailableError):
        await core.share(ASKED)
    await core.close()


def test_a_region_without_a_table_has_the_default() -> None:
    """A region without a table uses the default; the patient pays the rest."""
    table = load_table()

    assert 6425 == table.share(ASKED).fund_fen
    assert 0 == table.share(ASKED._replace(kind=InstitutionKind.PHARMACY)).fund_fen
    assert (
        0
        == table.share(
            ASKED._replace(kind=InstitutionKind.PHARMACY, setting=Setting.INPATIENT)
        ).fund_fen
    )
    fujian = table.share(ASKED._replace(region="350000"))
    assert (2000, (12850 - 2000) * 600 // 1000) == (fujian.start_fen, fujian.fund_fen)


async def test_the_setting_names_core_systems_by_region() -> None:
    """`code=url,code=url`; without it there is none."""
    funds = Funds(load_table(), cores_of("542500=http://a/share, 350000=http://b/share"))

    assert funds.has_cores
    assert None is not funds.core_of("350000")
    assert None is funds.core_of("990000")
    assert {} == cores_of(None)
    await funds.close()


@pytest.mark.parametrize(
    ("level", "age", "fund_fen"),
    [
        ("", None, 6425),
        ("3", None, 6425),
        ("3", 59, 6425),
        ("3", 60, 7067),
        ("2", None, 7710),
        ("1", 59, 8995),
        ("1", 60, 9637),  # 75 %
    ],
)
def test_the_fund_pays_50_to_75_percent_by_level_and_age(
    level: str, age: int | None, fund_fen: int
) -> None:
    """Seed R306; a city without a table has its province's."""
    table = load_table()

    assert fund_fen == table.share(ASKED._replace(level=level, age=age)).fund_fen
    province = table.share(ASKED._replace(region="350000"))
    assert province == table.share(ASKED._replace(region="350200"))
