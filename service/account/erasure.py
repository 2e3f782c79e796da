"""Erase a person: destroy his key and the names he is found by, in one append with the event.

From then on nobody reads him anywhere, this service included: his data in the log stays as
ciphertext without a key, so that every leaf, proof and sum is what it was. A process that
still remembers one of his names reads the account's head with it (`View.find`).
"""

from dataclasses import dataclass

from msgspec import json

from aggregates.account import erasure as rules
from aggregates.policy.choices import PremiumType
from aggregates.premium.premium import OPEN
from aggregates.refusals import UnknownError
from aggregates.vocabulary import ErasureReason, Instant, StreamId
from service.caller import Request, Role, check_region, check_role
from service.context import House
from service.ledger.command import Decision, Reply
from service.ledger.read_set import View
from service.person.lookup import find_person
from service.premium.tax_process import name_of
from service.serializers import day
from service.vault import Keys, Personal, names_of

YEARS_BEFORE = 2
"""How long ago a premium may have been ordered that is still open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erase:
    """Whom to erase, in which case of the law, and the law or file that says so."""

    person_no: str
    reason: ErasureReason
    legal_basis: str


async def erase(house: House, request: Request, command: Erase) -> Reply:
    """Erase a person whose account has ended (agency).

    Raises:
        UnknownError: no such person, or not in the caller's region; the refusals of
        `aggregates.erasure.erase`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    keys = house.keys

    def decide(view: View, now: Instant) -> Decision:
        account_id = find_person(view, keys, command.person_no)
        account = view.account(account_id)
        check_region(request.caller, account)
        personal = _personal(view, keys, account_id)
        needed = rules.Needed(tuple(personal), is_payee=_is_payee(view, keys, account_id, now))
        order = rules.Order(command.reason, command.legal_basis)
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
            frees=set(names_of(keys, personal)),
            person_keys=[(account_id, None)],
        )

    return await house.do(request, decide)


def _is_payee(view: View, keys: Keys, account_id: StreamId, now: Instant) -> bool:
    """Whether the tax side may still be asked about a premium of his: it knows him by his ID."""
    years = range(now.on.year - YEARS_BEFORE, now.on.year + 2)
    names = [name_of(keys, account_id, kind, year) for kind in PremiumType for year in years]
    live = [premium_id for name in names if (premium_id := view.find(name)) is not None]
    return any(view.premium(premium_id).status in OPEN for premium_id in live)


def _personal(view: View, keys: Keys, account_id: StreamId) -> Personal:
    sealed, wrapped = view.person(account_id)
    personal = keys.unseal(sealed, wrapped, account_id)
    if personal is None:
        raise UnknownError
    return personal
