"""Erase a person: destroy his key and the names he is found by, in one append with the event.

From then on nobody reads him anywhere, this service included: his data in the log stays as
ciphertext without a key, so that every leaf, proof and sum is what it was. A process that
still remembers one of his names reads the account's head with it (`ReadSet.find`).
"""

from dataclasses import dataclass

from msgspec import json

from aggregates.account import erasure as rules
from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import OPEN
from aggregates.refusals import UnknownError
from aggregates.vocabulary import ErasureReason, Instant, StreamId
from service.caller import Request, Role, check_region, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.premium.tax_process import name_of
from service.serializers import day
from service.vault import Personal, Vault, names_of

YEARS_BEFORE = 2
"""How long ago a premium may have been ordered that is still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Whom to erase, in which case of the law, and the law or file that says so."""

    person_no: str
    reason: ErasureReason
    legal_basis: str


async def erase(context: ServiceContext, request: Request, command: Erase) -> Reply:
    """Erase a person whose account has ended (agency).

    Raises:
        UnknownError: no such person, or not in the caller's region; the refusals of
        `aggregates.erasure.erase`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_person(reads, vault, command.person_no)
        account = reads.account(account_id)
        check_region(request.caller, account)
        personal = _personal(reads, vault, account_id)
        needed = rules.ErasureInputs(
            tuple(personal), is_payee=_is_payee(reads, vault, account_id, now)
        )
        order = rules.ErasureOrder(command.reason, command.legal_basis)
        erased = rules.erase(account, needed, order, now)
        answer = {
            "status": "erased",
            "reason": erased.reason,
            "legal_basis": erased.legal_basis,
            "erased_on": day(erased.on),
        }
        return Decision(
            answer=json.encode(answer),
            events=[(account_id, erased)],
            frees=set(names_of(vault, personal)),
            person_keys=[(account_id, None)],
        )

    return await context.do(request, decide)


def _is_payee(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> bool:
    """Whether the tax side may still be asked about a premium of his: it knows him by his ID."""
    years = range(now.on.year - YEARS_BEFORE, now.on.year + 2)
    names = [name_of(vault, account_id, kind, year) for kind in PremiumType for year in years]
    live = [premium_id for name in names if (premium_id := reads.find(name)) is not None]
    return any(reads.premium(premium_id).status in OPEN for premium_id in live)


def _personal(reads: ReadSet, vault: Vault, account_id: StreamId) -> Personal:
    sealed, wrapped = reads.person(account_id)
    personal = vault.unseal(sealed, wrapped, account_id)
    if personal is None:
        raise UnknownError
    return personal
