"""Open accounts, bring money in, change how they stand, and look at them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from msgspec import json

from aggregates.account import decisions as rules
from aggregates.account.events import AccountClosed, AccountFrozen, AccountOpened
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.refusals import AccountExistsError, NoEditionError, UnknownError
from aggregates.vocabulary import (
    Bucket,
    Ending,
    FilingKind,
    Instant,
    Insurance,
    InsuranceStatus,
    StreamId,
)
from service.account.closing import end_bindings, recoveries, void_holds
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.command import Decision, OverloadedError, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import find_person, find_readable, own_region
from service.policy import edition_in_force
from service.serializers import account_answer
from service.vault import Personal, Vault, names_of

READ_AGAIN_MAX = 5


class PastMovedError(Exception):
    """The account went on while its past was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """An insured person to be known here. `status` may be any of the account's words."""

    personal: Personal
    insurance: Insurance
    region: str
    status: str
    flags: tuple[str, ...]


class NewPerson(NamedTuple):
    """An insured person as the ledger takes him: his data sealed, his names digests."""

    account_id: StreamId
    names: tuple[bytes, ...]
    sealed: str
    wrapped: bytes
    insurance: Insurance
    region: str
    status: str
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditAccount:
    """Money for an account, in fen."""

    person_no: str
    amount_fen: int
    bucket: Bucket
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus:
    """How an account should stand from a day on; None means today."""

    person_no: str
    status: str
    reason: str
    effective_on: date | None
    successor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileElsewhere:
    """Where a patient may be treated off-site, from when until when (both days included)."""

    person_no: str
    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


async def open_account(context: ServiceContext, request: Request, opening: OpenAccount) -> Reply:
    """Open the account of an insured person, once per person number and per ID number."""
    return await let_in(context, request, newcomer(context.vault, opening, context.clock()))


def newcomer(vault: Vault, opening: OpenAccount, now: Instant) -> NewPerson:
    """Seal a person before anything is decided: it needs no state, and costs most."""
    personal = opening.personal
    account_id = new_stream("acc", now.at)
    sealed, wrapped = vault.seal(personal, account_id)
    return NewPerson(
        account_id,
        names_of(vault, personal),
        sealed,
        wrapped,
        opening.insurance,
        opening.region,
        opening.status,
        opening.flags,
    )


async def let_in(context: ServiceContext, request: Request, opening: NewPerson) -> Reply:
    """Open the account of a person who is sealed already."""
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        edition_in_force(reads, context.vault, opening.region, now)
        if request.caller.region not in (None, opening.region):
            raise UnknownError(what="region")
        if any(reads.holder(name) is not None for name in opening.names):
            raise AccountExistsError
        account_id = opening.account_id
        events = _opening_events(opening, now)
        account: Account | None = None
        for event in events:
            account = evolve(account, event)
        assert account is not None, "AccountOpened was folded"
        return Decision(
            answer=json.encode(account_answer(account, len(events), now)),
            events=[(account_id, event) for event in events],
            takes=dict.fromkeys(opening.names, account_id),
            person_keys=[(account_id, opening.wrapped)],
        )

    return await context.do(request, decide)


async def credit(context: ServiceContext, request: Request, command: CreditAccount) -> Reply:
    """Bring money into an account. At the HTTP door one clerk's own is limited by the region.

    What an operator imports comes from the region's own books, a whole file at once.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        alone_max_fen = None
        if request.channel == "http":
            alone_max_fen = _alone_max_fen(reads, context.vault, account.region, now)
        event = rules.credit(
            account, command.bucket, command.amount_fen, command.reference, alone_max_fen
        )
        return changed(reads, (account_id, account), [(account_id, event)], now)

    return await context.do(request, decide)


def _alone_max_fen(reads: ReadSet, vault: Vault, region: str, now: Instant) -> int | None:
    """How much one clerk may bring in alone today, in fen; None without a limit or an edition."""
    try:
        return edition_in_force(reads, vault, region, now).money.credit_four_eyes_above_fen
    except NoEditionError:
        return None


async def change_status(context: ServiceContext, request: Request, command: ChangeStatus) -> Reply:
    """Freeze, unfreeze, suspend, resume or end an account; an end ends its bindings too."""
    check_role(request.caller, Role.AGENCY)
    for _ in range(READ_AGAIN_MAX):
        past = await _history(context, command)
        with suppress(PastMovedError):
            return await context.do(request, _changing(context, request.caller, command, past))
    raise OverloadedError


def _changing(
    context: ServiceContext, caller: Caller, command: ChangeStatus, past: list[Recorded]
) -> Callable[[ReadSet, Instant], Decision]:
    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, caller, command.person_no)
        if past and past[-1].version != reads.read[account_id]:
            raise PastMovedError
        successor = None
        if command.successor is not None:
            successor = find_person(reads, context.vault, command.successor)
        check_names_nobody(reads, context.vault, account_id, command.reason)
        effective_on = command.effective_on or now.on
        event = rules.change_status(
            account, command.status, command.reason, effective_on, now, successor
        )
        moved: StreamEvents = [(account_id, event)]
        frees: set[bytes] = set()
        if isinstance(event, AccountClosed):
            due = recoveries(past, effective_on)
            for settlement_id, _ in due:
                reads.settlement(settlement_id)
            void, frees = void_holds(reads, context.vault, account, now)
            ended = end_bindings(reads, account_id, account, command.reason, effective_on)
            moved = [*due, *void, *ended, *moved]
        decision = changed(reads, (account_id, account), moved, now)
        decision.frees = frees
        return decision

    return decide


async def _history(context: ServiceContext, command: ChangeStatus) -> list[Recorded]:
    """An account's past, read where it may end: who ends late may have paid in the meantime."""
    if command.status not in Ending.__members__:
        return []
    name = context.vault.name("person_no", command.person_no)
    found = (await context.store.read((), (name,))).names.get(name)
    return [] if found is None else await context.store.history(found)


async def file_elsewhere(
    context: ServiceContext, request: Request, command: FileElsewhere
) -> Reply:
    """Note an off-site care filing of a patient (agency)."""
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        event = rules.file_elsewhere(
            account, command.place, command.kind, command.from_on, command.until_on
        )
        return changed(reads, (account_id, account), [(account_id, event)], now)

    return await context.do(request, decide)


async def look_at_account(context: ServiceContext, caller: Caller, person_no: str) -> Reply:
    """An account as the log has it now: for its owner, a minor's parent, its agency, auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_readable(reads, context.vault, caller, person_no, now)
        account = reads.account(account_id)
        return Decision(answer=json.encode(account_answer(account, reads.version(account_id), now)))

    return await context.ask(caller, decide)


def changed(
    reads: ReadSet, of: tuple[StreamId, Account], moved: StreamEvents, now: Instant
) -> Decision:
    """Events, answered with the account as it is after those that are its own."""
    account_id, account = of
    version = reads.version(account_id)
    for stream, event in moved:
        if stream == account_id:
            account = evolve(account, event)  # type: ignore[arg-type]
            version += 1
    return Decision(answer=json.encode(account_answer(account, version, now)), events=moved)


def _opening_events(opening: NewPerson, now: Instant) -> list[AccountEvent]:
    """An account that begins frozen or ended is opened first and then made so."""
    status = opening.status
    standing = (
        InsuranceStatus(status) if status in InsuranceStatus.__members__ else InsuranceStatus.NORMAL
    )
    events: list[AccountEvent] = [
        AccountOpened(
            region=opening.region,
            insurance=opening.insurance,
            standing=standing,
            flags=opening.flags,
            on=now.on,
            sealed=opening.sealed,
        )
    ]
    if status == "FROZEN":
        events.append(AccountFrozen(reason="opened so"))
    if status in Ending.__members__:
        events.append(
            AccountClosed(
                ending=Ending(status), reason="opened so", effective_on=now.on, successor=None
            )
        )
    return events
