"""Visits with fee lines for the gateway's row: each family's bills, ready to be settled by 2207."""

import asyncio
import hashlib
import json
from pathlib import Path

from aggregates.vocabulary import Setting
from service.caller import Request
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.ids import short
from service.settings import Settings
from service.visit import visits
from service.visit.visits import VisitRef, fees_of
from tests.bench.families import HOSPITAL, TREATED_AT, Family, bill, families

BILLS = 12
"""Bills of each family in a round, each a charge batch of one visit."""
CODE = "XA02BCL037A001010100001"
TOGETHER = 500


async def register(dsn: str, data: Path, count: int, first: int) -> Path:
    """Register a visit for every family and upload its lines; a file of visit numbers."""
    context = await open_postgres(Settings.read({"GONGJI_DATA": str(data)}), dsn, business_clock())
    living = families(count)
    numbers: list[str] = []
    for at in range(0, count, TOGETHER):
        some = living[at : at + TOGETHER]
        numbers += await asyncio.gather(*(_visit(context, family, first) for family in some))
    await context.close()
    told = data / "visits.json"
    told.write_text(json.dumps(numbers))
    return told


async def _visit(context: ServiceContext, family: Family, first: int) -> str:
    command = visits.RegisterVisit(
        person_no=family.patient,
        shown=None,
        setting=Setting.OUTPATIENT,
        number="bench",
        department="",
        med_type="11",
        began_at=TREATED_AT,
    )
    reply = await visits.register(context, _request(f"visit:{family.patient}:{first}"), command)
    assert reply.subject is not None, reply
    rows = [
        (str(n), str(n), CODE, bill(family, first + n).total_fen, "1", "1", TREATED_AT)
        for n in range(BILLS)
    ]
    asked = _request(f"fees:{family.patient}:{first}")
    done = await visits.upload_fees(
        context, asked, VisitRef(reply.subject, family.patient), fees_of(rows)
    )
    assert done.refusal is None, done
    return short(reply.subject)


def _request(key: str) -> Request:
    return Request(HOSPITAL, key, hashlib.sha256(key.encode()).digest(), "bench")
