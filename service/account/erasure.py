"""Erase a person: destroy their key and unique names in one append with the event.

Afterwards nobody can read the person's data, this service included. It stays in the log as
ciphertext without a key, so every leaf, proof and sum is unchanged. A process that has cached
one of the names reads the account's head with it (`ReadSet.find`).
"""

from dataclasses import dataclass

from msgspec import json

from aggregates.account import erasure as rules
from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import OPEN
from aggregates.refusals import UnknownError
from aggregates.vocabulary import ErasureReason, Instant, StreamId
from service.account.credentials import held_names
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import own_region
from service.person.unsealed import personal_of
from service.premium.tax_process import name_of
from service.serializers import day
from service.vault import Personal, Vault, names_of

YEARS_BEFORE = 2
"""The oldest premiums that may still be open, in years before this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """The person to erase, the case of the law, and the law or file that says so."""

    person_no: str
    reason: ErasureReason
    legal_basis: str


async def erase(context: ServiceContext, request: Request, command: Erase) -> Reply:
    """Erase a person whose account has ended (agency).

    Raises:
        UnknownError: no such person, or not in the caller's region; the refusals of
        `aggregates.account.erasure.erase`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, vault, request.caller, command.person_no)
        personal = _personal(reads, vault, account_id)
        cards = [name for _, name in held_names(reads, vault, account_id, account)]
        pool_fen = reads.pool(account.pool).balance_fen if account.pool else 0
        is_payee = _is_payee(reads, vault, account_id, now)
        inputs = rules.ErasureInputs(tuple(personal), is_payee, pool_fen)
        order = rules.ErasureOrder(command.reason, command.legal_basis)
        erased = rules.erase(account, inputs, order, now)
        answer = {
            "status": "erased",
            "reason": erased.reason,
            "legal_basis": erased.legal_basis,
            "erased_on": day(erased.on),
        }
        return Decision(
            answer=json.encode(answer),
            events=[(account_id, erased)],
            frees={*names_of(vault, personal), *cards},
            person_keys=[(account_id, None)],
        )

    return await context.do(request, decide)


def _is_payee(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> bool:
    """Whether a premium for the person is open: the tax authority knows the person by ID number."""
    years = range(now.on.year - YEARS_BEFORE, now.on.year + 2)
    names = [name_of(vault, account_id, kind, year) for kind in PremiumType for year in years]
    premiums = [premium_id for name in names if (premium_id := reads.find(name)) is not None]
    return any(reads.premium(premium_id).status in OPEN for premium_id in premiums)


def _personal(reads: ReadSet, vault: Vault, account_id: StreamId) -> Personal:
    personal = personal_of(reads, vault, account_id)
    if personal is None:
        raise UnknownError
    return personal
