"""A service context with a hospital, a patient and two sponsors, for tests that settle."""

import hashlib
import itertools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aggregates.binding.binding import Offer
from aggregates.binding.events import Caps
from aggregates.settlement.events import Settled
from aggregates.vocabulary import (
    Bucket,
    InstitutionKind,
    InstitutionStatus,
    Insurance,
    Relation,
    Use,
)
from service import institution as institutions
from service.account import accounts
from service.binding import register_confirmed as register
from service.binding.parties import Invite
from service.caller import Caller, Request, agency, institution
from service.clock import business_clock
from service.context import ServiceContext, open_postgres
from service.ledger.command import Reply
from service.ledger.postgres.connect import DEFAULT, Patience
from service.ledger.postgres.store import PostgresStore
from service.person.credentials import Identity
from service.policy import publish
from service.settings import Settings
from service.settlement.claims import SettleBill
from service.settlement.settle import settle
from service.vault import Personal
from tests.cases.outcome import StoppedClock

REGION = "990000"
AGENCY, HOSPITAL = agency("test", REGION), institution("H99000000001")
PATIENT, SPONSORS = "P1", ("S1", "S2")
OWN_FEN, SPONSOR_FEN = 1000, 2000
FAMILY_FEN = OWN_FEN + len(SPONSORS) * SPONSOR_FEN
AT = datetime(2026, 3, 2, 2, tzinfo=UTC)
CALLS = itertools.count()


def asked(caller: Caller = AGENCY, key: str | None = None) -> Request:
    name = key or f"call {next(CALLS)}"
    return Request(caller, name, hashlib.sha256(name.encode()).digest(), "test")


@asynccontextmanager
async def a_context(
    dsn: str, place: Path, deadline_s: float = 10.0, patience: Patience = DEFAULT
) -> AsyncIterator[ServiceContext]:
    """A context on a PostgreSQL, with its keys in a folder, closed at the end."""
    environment = {"GONGJI_DATA": str(place), "GONGJI_DEADLINE_S": str(deadline_s)}
    settings = Settings.read(environment)
    context = await open_postgres(settings, dsn, business_clock(), patience=patience)
    try:
        yield context
    finally:
        await context.close()


async def move_in(context: ServiceContext, sponsors: tuple[str, ...] = SPONSORS) -> None:
    """Publish the editions, designate the hospital, open the accounts and bind these sponsors."""
    await publish(context)
    hospital = institutions.Designate(
        code=HOSPITAL.subject,
        name="test",
        kind=InstitutionKind.HOSPITAL,
        region=REGION,
        status=InstitutionStatus.ACTIVE,
        opened_regions=(),
        sensitive=False,
    )
    await institutions.designate(context, asked(), hospital)
    for number in (PATIENT, *SPONSORS):
        opening = accounts.OpenAccount(
            personal=Personal(number, "test", f"ID-{number}"),
            insurance=Insurance.EMPLOYEE,
            region=REGION,
            status="NORMAL",
            flags=(),
        )
        await accounts.open_account(context, asked(), opening)
        money = accounts.CreditAccount(
            person_no=number,
            amount_fen=OWN_FEN if number == PATIENT else SPONSOR_FEN,
            bucket=Bucket.CURRENT,
            reference=None,
        )
        await accounts.credit(context, asked(), money)
    for sponsor in sponsors:
        await register.register(context, asked(), _bound(sponsor))


def _bound(sponsor: str) -> register.Register:
    offer = Offer(
        relation=Relation.CHILD,
        uses=(Use.CARE,),
        caps=Caps(),
        valid_from=None,
        valid_until=None,
    )
    invite = Invite(sponsor=sponsor, beneficiary=PATIENT, offer=offer)
    return register.Register(invite=invite, confirmed_at=datetime(2025, 1, 1, tzinfo=UTC))


async def settled(context: ServiceContext, visit: str, *, key: str = "", fen: int = 100) -> Reply:
    """Settle the patient's bill of a visit, under the visit's name as key or another."""
    bill = SettleBill(
        beneficiary=Identity("person_no", PATIENT),
        visit=visit,
        charge_batch="1",
        med_type="11",
        treated_at=AT,
        total_fen=fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=None,
        plan=None,
        digest=b"",
    )
    return await settle(context, asked(HOSPITAL, key or visit), bill)


async def check_sums(context: ServiceContext, replies: dict[str, Reply]) -> None:
    """Check one settlement per key, each as answered, and debits equal to its payers."""
    assert isinstance(context.store, PostgresStore)
    pool = context.store.pool
    stored = dict(
        await pool.fetch("SELECT key, answer FROM command_keys WHERE caller = $1", HOSPITAL.name)
    )
    assert {key: reply.answer for key, reply in replies.items()} == stored
    log = await context.store.page(0, 100_000)
    settlements = [recorded.event for recorded in log if isinstance(recorded.event, Settled)]
    assert sorted(replies) == sorted(event.claim.visit for event in settlements)
    for event in settlements:
        assert event.claim.total_fen == event.own_fen + event.aid_fen + event.cash_fen
    left = await pool.fetchval("SELECT sum(current_fen + prior_fen)::bigint FROM balances")
    assert FAMILY_FEN - left == sum(event.own_fen + event.aid_fen for event in settlements)
    assert list(range(1, len(log) + 1)) == [recorded.position for recorded in log]


def stopped_clock(context: ServiceContext) -> StoppedClock:
    """The clock that a test sets, behind the ledger's."""
    clock = context.appender.clock.source
    assert isinstance(clock, StoppedClock)
    return clock


def pass_time(context: ServiceContext, by: timedelta) -> None:
    """Advance the clock."""
    stopped_clock(context).at += by
