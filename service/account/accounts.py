"""Open accounts, credit them, change their status, and read them."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from msgspec import json

from aggregates.account import decisions as rules
from aggregates.account.events import (
    AccountClosed,
    AccountOpened,
    CredentialAdded,
    FamilyPoolOpened,
    InsuranceSuspended,
)
from aggregates.account.fold import AccountEvent, evolve
from aggregates.account.state import Account
from aggregates.policy.edition import Edition, MoneyTerms
from aggregates.refusals import AccountExistsError, NoEditionError, UnknownError
from aggregates.vocabulary import (
    Bucket,
    CredentialType,
    Ending,
    FilingKind,
    Instant,
    Insurance,
    InsuranceStatus,
    StreamId,
)
from service.account.closing import empty_pool, end_bindings, recoveries, void_holds
from service.binding.ending import excluded, suspended
from service.caller import Caller, Request, Role, check_role, is_foreign
from service.clock import new_secret, new_stream
from service.context import ServiceContext
from service.ledger.codec import Recorded
from service.ledger.command import Decision, OverloadedError, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import find_person, find_readable, own_region
from service.person.masking import masked
from service.person.unsealed import personal_of
from service.policy import edition_in_force, publish_area
from service.serializers import account_answer
from service.vault import NONCE_SIZE, Personal, Vault, names_of

READ_AGAIN_MAX = 5


class HistoryStaleError(Exception):
    """The account changed while its history was read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAccount:
    """An insured person. `status` may be any status of an account.

    `credentials` are the cards and e-credentials that the person holds, each with its number.
    """

    personal: Personal
    insurance: Insurance
    region: str
    status: str
    flags: tuple[str, ...]
    credentials: tuple[tuple[CredentialType, str], ...] = ()


class SealedCredential(NamedTuple):
    """A credential that a new person holds, with the digest that leads to it."""

    kind: CredentialType
    name: bytes
    sealed: str


class NewPerson(NamedTuple):
    """An insured person whose data is sealed and whose names are digests."""

    account_id: StreamId
    names: tuple[bytes, ...]
    sealed: str
    wrapped: bytes
    insurance: Insurance
    region: str
    status: str
    flags: tuple[str, ...]
    credentials: tuple[SealedCredential, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditAccount:
    """Money for an account, in fen."""

    person_no: str
    amount_fen: int
    bucket: Bucket
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeStatus:
    """An account's new status from a day on; None means today."""

    person_no: str
    status: str
    reason: str
    effective_on: date | None
    successor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFlags:
    """All marks on a person from now on, and why they changed."""

    person_no: str
    flags: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileElsewhere:
    """A patient's filing for off-site care; both days are included."""

    person_no: str
    place: str
    kind: FilingKind
    from_on: date
    until_on: date | None


async def open_account(context: ServiceContext, request: Request, opening: OpenAccount) -> Reply:
    """Open the account of an insured person, once per person number and per ID number."""
    return await open_sealed(context, request, seal_person(context.vault, opening, context.clock()))


def seal_person(vault: Vault, opening: OpenAccount, now: Instant) -> NewPerson:
    """Seal a person before the decision: it needs no state, and takes most of the time."""
    personal = opening.personal
    account_id = new_stream("acc", now.at)
    sealed, wrapped = vault.seal(personal, account_id)
    held: list[SealedCredential] = []
    for kind, value in dict.fromkeys(opening.credentials):
        name = vault.name(kind.lower(), value)
        nonce = new_secret(NONCE_SIZE)
        held.append(SealedCredential(kind, name, vault.seal_name(name, wrapped, account_id, nonce)))
    return NewPerson(
        account_id,
        (*names_of(vault, personal), *(credential.name for credential in held)),
        sealed,
        wrapped,
        opening.insurance,
        opening.region,
        opening.status,
        opening.flags,
        tuple(held),
    )


async def open_sealed(context: ServiceContext, request: Request, opening: NewPerson) -> Reply:
    """Open the account of a person whose data is sealed already."""
    check_role(request.caller, Role.AGENCY)
    area = context.policies.pooling_area(opening.region)
    await publish_area(context, area)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        try:
            edition = edition_in_force(reads, context.vault, area, now)
        except NoEditionError:
            raise NoEditionError(region=area, nearest=context.policies.nearest(area)) from None
        if is_foreign(request.caller, area):
            raise UnknownError(what="region")
        if any(reads.holder(name) is not None for name in opening.names):
            raise AccountExistsError
        account_id = opening.account_id
        account, events = _opened(opening, edition, now)
        return Decision(
            answer=json.encode(account_answer(account, len(events), now)),
            events=[(account_id, event) for event in events],
            takes=dict.fromkeys(opening.names, account_id),
            person_keys=[(account_id, opening.wrapped)],
        )

    return await context.do(request, decide)


async def credit(context: ServiceContext, request: Request, command: CreditAccount) -> Reply:
    """Credit an account. Over HTTP the region limits what one clerk may credit alone.

    An import has no such limit: the file comes from the region's own books.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        is_http, is_resident = request.channel == "http", account.insurance is Insurance.RESIDENT
        terms = None
        if is_http or is_resident:
            terms = _money_terms(reads, context.vault, account.region, now)
        is_allowed = terms is not None and terms.resident_balance
        opened = rules.open_balance(account, now, is_allowed=is_allowed)
        event = rules.credit(
            evolve(account, opened) if opened else account,
            command.bucket,
            command.amount_fen,
            command.reference,
            terms.credit_four_eyes_above_fen if terms and is_http else None,
        )
        events: StreamEvents = [(account_id, each) for each in (opened, event) if each]
        return changed(reads, (account_id, account), events, now)

    return await context.do(request, decide)


def _money_terms(reads: ReadSet, vault: Vault, region: str, now: Instant) -> MoneyTerms | None:
    """The region's terms of money today; None without an edition."""
    try:
        return edition_in_force(reads, vault, region, now).money
    except NoEditionError:
        return None


async def change_status(context: ServiceContext, request: Request, command: ChangeStatus) -> Reply:
    """Freeze, unfreeze, suspend, resume or end an account. Its bindings end with it."""
    check_role(request.caller, Role.AGENCY)
    for _ in range(READ_AGAIN_MAX):
        history = await _history(context, command)
        with suppress(HistoryStaleError):
            return await context.do(request, _changing(context, request.caller, command, history))
    raise OverloadedError


def _changing(
    context: ServiceContext, caller: Caller, command: ChangeStatus, history: list[Recorded]
) -> Callable[[ReadSet, Instant], Decision]:
    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, caller, command.person_no)
        if not _is_whole(reads, history, account_id, account):
            raise HistoryStaleError
        successor = None
        if command.successor is not None:
            successor = find_person(reads, context.vault, command.successor)
        check_names_nobody(reads, context.vault, account_id, command.reason)
        effective_on = command.effective_on or now.on
        event = rules.change_status(
            account, command.status, command.reason, effective_on, now, successor
        )
        events: StreamEvents = [(account_id, event)]
        frees: set[bytes] = set()
        if isinstance(event, InsuranceSuspended) and event.standing is InsuranceStatus.SUSPENDED:
            events += suspended(reads, context.vault, account, command.reason, now)
        if isinstance(event, AccountClosed):
            due = recoveries(account_id, history, effective_on)
            for settlement_id, _ in due:
                reads.settlement(settlement_id)
            void, frees = void_holds(reads, context.vault, account, now)
            emptied = empty_pool(reads, (account_id, account), void, now)
            ended = end_bindings(reads, account_id, account, command.reason, effective_on)
            events = [*due, *void, *ended, *emptied, *events]
        decision = changed(reads, (account_id, account), events, now)
        decision.frees = frees
        return decision

    return decide


async def _history(context: ServiceContext, command: ChangeStatus) -> list[Recorded]:
    """The events of an account that is to end, and of its family pool.

    They may have paid since the day of its end.
    """
    if command.status not in Ending.__members__:
        return []
    name = context.vault.name("person_no", command.person_no)
    account_id = (await context.store.read((), (name,))).names.get(name)
    if account_id is None:
        return []
    history = await context.store.history(account_id)
    pools = [past.event.pool for past in history if isinstance(past.event, FamilyPoolOpened)]
    return history + [past for pool in pools for past in await context.store.history(pool)]


def _is_whole(
    reads: ReadSet, history: list[Recorded], account_id: StreamId, account: Account
) -> bool:
    """Whether a history that was read has the newest events of the account and of its pool."""
    if not history:
        return True
    newest = {past.stream: past.version for past in history}
    if account.pool is not None:
        reads.pool(account.pool)
    streams = [account_id] + ([account.pool] if account.pool else [])
    return all(newest.get(stream) == reads.read[stream] for stream in streams)


async def file_elsewhere(
    context: ServiceContext, request: Request, command: FileElsewhere
) -> Reply:
    """Record a patient's filing for off-site care (agency)."""
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        place = context.policies.pooling_area(command.place)
        event = rules.file_elsewhere(
            account, place, command.kind, command.from_on, command.until_on
        )
        return changed(reads, (account_id, account), [(account_id, event)], now)

    return await context.do(request, decide)


async def change_flags(context: ServiceContext, request: Request, command: ChangeFlags) -> Reply:
    """Replace the marks on a person (agency); bindings that they exclude end.

    Raises:
        UnknownError: no such person, or not of the agency's region; the refusals of
        `aggregates.account.decisions.change_flags`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        check_names_nobody(reads, context.vault, account_id, command.reason)
        event = rules.change_flags(account, command.flags, command.reason)
        marked = evolve(account, event)
        ended = excluded(reads, context.vault, marked, command.reason, now)
        return changed(reads, (account_id, account), [(account_id, event), *ended], now)

    return await context.do(request, decide)


async def look_at_account(context: ServiceContext, caller: Caller, person_no: str) -> Reply:
    """An account as of now with its owner's name, if `find_readable` finds it for the caller."""
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_readable(reads, context.vault, caller, person_no, now)
        account = reads.account(account_id)
        answer = account_answer(account, reads.version(account_id), now)
        owner = personal_of(reads, context.vault, account_id)
        is_family = caller.role is Role.PERSON  # the owner, or the parent of a minor
        name = owner and (owner.name if is_family else masked(owner.name))
        return Decision(answer=json.encode(answer | {"name": name}))

    return await context.ask(caller, decide)


def changed(
    reads: ReadSet, before: tuple[StreamId, Account], events: StreamEvents, now: Instant
) -> Decision:
    """Append events, and answer with the account after those of its own stream."""
    account_id, account = before
    version = reads.version(account_id)
    for stream, event in events:
        if stream == account_id:
            account = evolve(account, event)  # type: ignore[arg-type]
            version += 1
    return Decision(answer=json.encode(account_answer(account, version, now)), events=events)


def _opened(
    opening: NewPerson, edition: Edition, now: Instant
) -> tuple[Account, list[AccountEvent]]:
    """A new account and its events. One that begins frozen or ended is opened first."""
    opened = AccountOpened(
        region=edition.region,
        insured_place="" if opening.region == edition.region else opening.region,
        insurance_year_from=edition.money.insurance_year_from,
        insurance=opening.insurance,
        standing=InsuranceStatus.__members__.get(opening.status, InsuranceStatus.NORMAL),
        flags=opening.flags,
        on=now.on,
        sealed=opening.sealed,
    )
    account = evolve(None, opened)
    events: list[AccountEvent] = [opened]
    for kind, _, sealed in opening.credentials:
        events.append(CredentialAdded(kind=kind, sealed=sealed, on=now.on))
        account = evolve(account, events[-1])
    if account.status == opening.status:
        return account, events
    change = rules.change_status(account, opening.status, "opened so", now.on, now)
    return evolve(account, change), [*events, change]
