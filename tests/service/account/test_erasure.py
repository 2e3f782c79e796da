"""An erasure across processes: nobody reads the person, and every sum is unchanged."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from aggregates.account.erasure import ErasureNotAllowedError
from aggregates.account.state import Account
from aggregates.refusals import UnknownError
from aggregates.topics import TOPICS
from aggregates.vocabulary import Bucket, ErasureReason, Instant, Insurance, StreamId
from service.account import accounts
from service.account.erasure import Erase, erase
from service.caller import Caller, agency
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.postgres.store import PostgresStore
from service.ledger.read_set import ReadSet
from service.person.masking import persons_of
from service.vault import Personal, names_of
from tests.service.ledger.database_text import dump, traces
from tests.service.settlement.settled_family import (
    AGENCY,
    OWN_FEN,
    PATIENT,
    a_context,
    asked,
    check_sums,
    move_in,
    settled,
)

Contexts = tuple[ServiceContext, ServiceContext]
GONE = Personal("PERSON-LEAVING-7", "欧阳无名", "11010519491231002X")


@pytest.fixture
async def contexts(dsn: str, tmp_path: Path) -> AsyncIterator[Contexts]:
    """Two service contexts on one ledger, with a family and a person to erase."""
    async with a_context(dsn, tmp_path) as here, a_context(dsn, tmp_path) as there:
        await move_in(here)
        await arrive(here)
        yield here, there


async def arrive(context: ServiceContext) -> Reply:
    opening = accounts.OpenAccount(
        personal=GONE, insurance=Insurance.EMPLOYEE, region="990000", status="NORMAL", flags=()
    )
    return await accounts.open_account(context, asked(), opening)


async def end(
    context: ServiceContext, number: str = GONE.person_no, status: str = "CLOSED"
) -> Reply:
    change = accounts.ChangeStatus(
        person_no=number, status=status, reason="left", effective_on=None, successor=None
    )
    return await accounts.change_status(context, asked(), change)


async def leave(
    context: ServiceContext, number: str = GONE.person_no, caller: Caller = AGENCY
) -> Reply:
    command = Erase(
        person_no=number, reason=ErasureReason.RETENTION_OVER, legal_basis="PIPL 47(1)(2)"
    )
    return await erase(context, asked(caller), command)


async def opened(context: ServiceContext, number: str) -> Reply:
    return await accounts.look_at_account(context, AGENCY, number)


async def known(context: ServiceContext, account: StreamId) -> Personal | None:
    """A person as a decision of this context reads them."""
    seen: list[Personal | None] = []

    def decide(reads: ReadSet, _: Instant) -> Decision:
        sealed, wrapped = reads.person(account)
        seen.append(context.vault.unseal(sealed, wrapped, account))
        return Decision(answer=b"")

    await context.ask(AGENCY, decide)
    return seen[-1]


async def test_who_is_remembered_elsewhere_is_erased_there_too(contexts: Contexts) -> None:
    """A process that has cached the person notices before it answers."""
    here, there = contexts
    name = here.vault.name("person_no", GONE.person_no)
    account = (await here.store.read((), (name,))).names[name]
    assert GONE == await known(there, account)
    assert GONE == await known(there, account)  # from its cache

    await end(here)
    await leave(here)

    assert await known(there, account) is None


async def test_the_erased_are_nowhere_in_the_database(contexts: Contexts) -> None:
    """No table has the number, name or ID, and the ciphertext does not open."""
    here, _ = contexts
    assert isinstance(here.store, PostgresStore)
    pool = here.store.pool
    name = here.vault.name("person_no", GONE.person_no)
    account = (await here.store.read((), (name,))).names[name]
    assert GONE == (await persons_of(here, [account]))[account]
    digests = [digest.hex() for digest in names_of(here.vault, GONE)]
    before = await dump(pool)
    await end(here)
    sealed = (await here.store.read((), (), (account,))).persons[account]
    reply = await leave(here)
    after = await dump(pool)

    assert "erased" == json.loads(reply.answer)["status"]
    assert digests == traces(before, *digests, *GONE)
    assert [] == traces(after, *digests, *GONE)
    assert sealed.wrapped is not None
    assert sealed.wrapped.hex() not in after
    assert sealed.sealed in after, "the ciphertext stays, so that its leaf stays"
    assert {account: None} == await persons_of(here, [account])


async def test_an_erased_name_resolves_in_no_other_process(contexts: Contexts) -> None:
    """A context that cached name and head finds nobody from the next request on."""
    here, there = contexts
    for context in contexts:
        assert "normal" == json.loads((await opened(context, GONE.person_no)).answer)["status"]
    await end(here)
    await leave(here)

    for context in (there, here, there):
        with pytest.raises(UnknownError):
            await opened(context, GONE.person_no)
    money = accounts.CreditAccount(
        person_no=GONE.person_no, amount_fen=1, bucket=Bucket.CURRENT, reference=None
    )
    with pytest.raises(UnknownError):
        await accounts.credit(there, asked(), money)


async def test_who_comes_back_is_somebody_new(contexts: Contexts) -> None:
    """The person may open a new account, also where the old one was cached."""
    here, there = contexts
    await opened(there, GONE.person_no)
    await end(here)
    await leave(here)
    again = await arrive(there)

    assert again.refusal is None
    for context in contexts:
        assert 1 == json.loads((await opened(context, GONE.person_no)).answer)["version"]


async def test_sums_and_settlements_outlive_the_person(contexts: Contexts) -> None:
    """Bills, balances and sums of an erased patient are unchanged."""
    here, there = contexts
    replies = {"visit": await settled(here, "visit", fen=OWN_FEN + 100)}
    await end(here, PATIENT)
    assert isinstance(here.store, PostgresStore)
    before = await here.store.pool.fetch("TABLE balances ORDER BY stream")
    await leave(here, PATIENT)
    await check_sums(there, replies)
    after = await here.store.pool.fetch("TABLE balances ORDER BY stream")

    assert [row["current_fen"] for row in before] == [row["current_fen"] for row in after]
    erased = [r for r in await there.store.page(0, 1000) if r.event.__class__ in TOPICS][-1]
    head = (await there.store.read((erased.stream,), ())).heads[erased.stream]
    assert isinstance(head.state, Account)
    assert head.state.is_erased


async def test_nobody_is_erased_while_he_is_needed(contexts: Contexts) -> None:
    """A live account is refused; an agency of another region gets 404."""
    here, there = contexts
    refused = await leave(here)
    assert ErasureNotAllowedError.code() == refused.refusal
    assert {"open": ["account"]} == json.loads(refused.answer)
    await end(here)
    with pytest.raises(UnknownError):
        await leave(there, caller=agency("other", "542500"))

    assert (await leave(there)).refusal is None
    with pytest.raises(UnknownError):
        await leave(here)
