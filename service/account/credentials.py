"""Add a credential to a person's record, or withdraw it."""

from collections.abc import Iterable
from dataclasses import dataclass

from aggregates.account import credentials as rules
from aggregates.account.state import Account, HeldCredential
from aggregates.refusals import UnknownError
from aggregates.vocabulary import CredentialType, Instant, StreamId
from service.account.accounts import changed
from service.caller import Request, Role, check_role
from service.clock import new_secret
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import own_region
from service.vault import NONCE_SIZE, Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialOf:
    """A credential of a person; `reason` says why it is withdrawn."""

    person_no: str
    kind: CredentialType
    value: str
    reason: str = ""


async def add_credential(context: ServiceContext, request: Request, command: CredentialOf) -> Reply:
    """Record that a person holds a credential (agency).

    Raises:
        UnknownError: no such person, or another region's; the refusals of
        `aggregates.account.credentials.add_credential`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault, nonce = context.vault, new_secret(NONCE_SIZE)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, vault, request.caller, command.person_no)
        name = vault.name(command.kind.lower(), command.value)
        wrapped = reads.person(account_id).wrapped
        if wrapped is None:
            raise UnknownError
        is_taken = reads.find(name) is not None
        sealed = vault.seal_name(name, wrapped, account_id, nonce)
        event = rules.add_credential(account, command.kind, sealed, now.on, is_taken=is_taken)
        decision = changed(reads, (account_id, account), [(account_id, event)], now)
        decision.takes = {name: account_id}
        return decision

    return await context.do(request, decide)


async def withdraw_credential(
    context: ServiceContext, request: Request, command: CredentialOf
) -> Reply:
    """Record that a person holds a credential no more, such as a lost card (agency).

    Raises:
        UnknownError: no such person, another region's, or no such credential; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, vault, request.caller, command.person_no)
        check_names_nobody(reads, vault, account_id, command.reason)
        name = vault.name(command.kind.lower(), command.value)
        held = next(
            (h for h, n in held_names(reads, vault, account_id, account) if n == name), None
        )
        if held is None:
            raise UnknownError
        event = rules.withdraw_credential(held, command.reason, now.on)
        decision = changed(reads, (account_id, account), [(account_id, event)], now)
        decision.frees = {name}
        return decision

    return await context.do(request, decide)


def held_names(
    reads: ReadSet, vault: Vault, account_id: StreamId, account: Account
) -> Iterable[tuple[HeldCredential, bytes]]:
    """The credentials of a record, each with the digest that leads to it; none once erased."""
    if not account.credentials:
        return
    wrapped = reads.person(account_id).wrapped
    for held in account.credentials:
        name = vault.open_name(held.sealed, wrapped, account_id)
        if name is not None:
            yield held, name
