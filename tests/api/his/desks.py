"""A service to speak to, and institutions that do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.api.clients import (
    CANARY_ID,
    HOSPITAL,
    PHARMACY,
    Desk,
    Who,
    a_binding,
    a_desk_on_memory,
    a_desk_on_postgres,
    an_account,
    an_institution,
)
from tests.api.his.client import His, Wire

CLOSED_NETWORK = {"style": "none"}
KINDS = {HOSPITAL: ("第一人民医院", "hospital"), PHARMACY: ("第一大药房", "pharmacy")}


def a_wire(desk: Desk) -> Wire:
    """A wire that loses nothing."""

    async def send(path: str, headers: dict[str, str], body: bytes) -> bytes:
        answer = await desk.front.post(path, content=body, headers=headers)
        assert 200 == answer.status_code, answer.text
        return answer.content

    return send


async def a_hospital(desk: Desk, **dialect: object) -> His:
    """The hospital's system, on a closed network."""
    return await _his(desk, HOSPITAL, **dialect)


async def a_pharmacy(desk: Desk, **dialect: object) -> His:
    """The pharmacy's system."""
    return await _his(desk, PHARMACY, **dialect)


async def _his(desk: Desk, who: Who, **dialect: object) -> His:
    await signs(desk, who, CLOSED_NETWORK, dialect)
    return His(who.subject, a_wire(desk), certs={"R1": CANARY_ID})


async def signs(
    desk: Desk, who: Who, signature: dict[str, str] | None, dialect: dict[str, object]
) -> None:
    """Say how an institution signs and reads."""
    name, kind = KINDS[who]
    told = {} if signature is None else {"signature": signature}
    await an_institution(desk, who, **told, **{"name": name, "class": kind, "dialect": dialect})


async def move_in(desk: Desk) -> None:
    """P1 with 20.00 and his spouse S1 with 500.00, R1 a resident, a hospital and a pharmacy."""
    await signs(desk, HOSPITAL, None, {})
    await signs(desk, PHARMACY, None, {})
    await an_account(desk, "P1", "20.00")
    await an_account(desk, "S1", "500.00", name="张敏")
    await an_account(desk, "R1", insurance="resident", cert_no=CANARY_ID)
    await a_binding(desk, "S1", "P1")


@asynccontextmanager
async def a_desk(place: Path, dsn: str | None = None) -> AsyncIterator[Desk]:
    """A desk with a family and two institutions, in memory or in PostgreSQL."""
    opened = a_desk_on_memory(place) if dsn is None else a_desk_on_postgres(dsn, place)
    async with opened as desk:
        await move_in(desk)
        yield desk
