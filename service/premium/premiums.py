"""Pay a relative's premium, reverse it, and look at it (居民医保费代缴, policy.md §4).

A request uses up its key when the money is held. A repeated request is answered with the
premium's current state, which may differ from the first answer.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates.account.state import Account
from aggregates.binding.eligibility import Side, check_scope
from aggregates.policy.choices import PremiumType
from aggregates.premium import payment as rules
from aggregates.premium.premium import OPEN, Premium
from aggregates.premium.refusals import (
    KinLinkHasNoFundsError,
    PremiumAlreadyPaidError,
    PremiumInProgressError,
)
from aggregates.premium.reversal import request_reversal
from aggregates.refusals import NotActiveError, NotPermittedError, SelfBindingError, UnknownError
from aggregates.vocabulary import Instant, PremiumStatus, StreamId
from service.adapters.tax_authority import TaxUnavailableError
from service.binding.parties import Parties, check_sees, party, side_of
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.credential_link.names import is_linked, link_between
from service.ledger.command import Decision, OverloadedError, Reply
from service.ledger.postgres.commit import TROUBLE
from service.ledger.read_set import ReadSet
from service.ledger.store import OutcomeUnknownError
from service.person.kin import registered
from service.person.lookup import find_or_stand_in, find_person
from service.policy import edition_of_record
from service.premium.tax_process import TAX, carry_on, name_of
from service.serializers import moment, yuan
from service.vault import Vault

INTERRUPTED = (*TROUBLE, OutcomeUnknownError, OverloadedError)
"""Errors that interrupt the steps: the resolver continues later from the log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPremium:
    """A premium to be paid. `sponsor` and `payee` are person numbers; no sponsor: the caller."""

    sponsor: str | None
    payee: str
    insurance: PremiumType
    year: int


async def pay(context: ServiceContext, request: Request, command: PayPremium) -> Reply:
    """Hold the whole amount, then ask the tax authority to book it.

    The answer is the premium after that, still open if the tax authority did not answer. Its
    refusal is a refusal here.

    Raises:
        TaxUnavailableError: no tax authority is configured; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if context.tax is None:
        raise TaxUnavailableError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        sponsor_id = party(reads, context.vault, request.caller, command.sponsor)
        sponsor = side_of(reads, context.vault, sponsor_id, now)
        payee_id = find_or_stand_in(reads, context.vault, sponsor_id, command.payee)
        binding_id = _binding_with(reads, context.vault, sponsor, payee_id)
        payee = reads.account(payee_id)
        pool = reads.pool(sponsor.account.pool) if sponsor.account.pool else None
        premium_id = new_stream("prm", now.at)
        order = rules.PremiumOrder(premium_id, command.insurance, command.year)
        rules.check_order(order, sponsor, payee, reads.binding(binding_id), now)
        name = name_of(context.vault, payee_id, command.insurance, command.year)
        _check_free(reads, name)
        return Decision(
            answer=json.encode({"premium_id": premium_id}),
            events=[*rules.hold(order, sponsor, (payee_id, binding_id), pool, now)],
            takes={name: premium_id},
            on_behalf_of=sponsor_id if request.caller.role is Role.AGENCY else None,
        )

    reply = await context.do(request, decide)
    if reply.refusal is not None:
        return reply
    premium_id = StreamId(json.decode(reply.answer)["premium_id"])
    return await _after(context, premium_id, reply, 0)


async def reverse(
    context: ServiceContext, request: Request, premium_id: StreamId, reason: str
) -> Reply:
    """Reverse a paid premium, if the region's rules and the tax authority allow it (S112).

    Raises:
        UnknownError: there is none, or it is not the caller's; NotPermittedError: only the
        sponsor may; TaxUnavailableError: no tax authority is configured; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if context.tax is None:
        raise TaxUnavailableError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        check_sees(reads, context.vault, request.caller, _sides(premium), now)
        sponsor = reads.account(premium.sponsor)
        agent = _check_is_sponsors(reads, context.vault, request.caller, premium)
        edition = edition_of_record(reads, context.vault, sponsor.region, premium.edition)
        event = request_reversal(premium, sponsor, edition, reason, now)
        return Decision(
            answer=json.encode({"attempt": premium.requests + 1}),
            events=[(premium_id, event)],
            on_behalf_of=agent,
        )

    reply = await context.do(request, decide)
    if reply.refusal is not None:
        return reply
    return await _after(context, premium_id, reply, json.decode(reply.answer)["attempt"])


async def look_at_premium(context: ServiceContext, caller: Caller, premium_id: StreamId) -> Reply:
    """A premium as of the log's end: for sponsor and payee, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        check_sees(reads, context.vault, caller, _sides(premium), now)
        answer = premium_answer(premium_id, premium, reads.version(premium_id))
        return Decision(answer=json.encode(answer))

    return await context.ask(caller, decide)


def premium_answer(premium_id: StreamId, premium: Premium, version: int) -> dict[str, Any]:
    """A premium; its parties are account ids. It has no balances."""
    confirmed_at = premium.confirmed_at
    return {
        "premium_id": premium_id,
        "sponsor": premium.sponsor,
        "payee": premium.payee,
        "insurance": premium.insurance.lower(),
        "year": premium.year,
        "amount": yuan(premium.amount_fen),
        "status": premium.status,
        "reason": premium.code,
        "receipt": premium.receipt,
        "policy_edition": premium.edition,
        "held_at": moment(premium.held_at),
        "confirmed_at": None if confirmed_at is None else moment(confirmed_at),
        "version": version,
    }


def is_open(answer: bytes) -> bool:
    """Whether the premium of an answer waits for the tax authority."""
    return PremiumStatus(json.decode(answer)["status"]) in OPEN


async def _after(
    context: ServiceContext, premium_id: StreamId, reply: Reply, attempt: int
) -> Reply:
    """Carry a premium on, and answer its state.

    `attempt` numbers the reversals asked for, from 1; 0 is the payment.

    Raises:
        OutcomeUnknownError: money is held, and the state cannot be read now.
    """
    with suppress(*INTERRUPTED):
        await carry_on(context, premium_id, is_repeat=reply.is_replayed)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        premium = reads.premium(premium_id)
        code = _refused(premium, attempt)
        if code is not None:
            return Decision(answer=json.encode({"premium_id": premium_id}), refusal=code)
        answer = premium_answer(premium_id, premium, reads.version(premium_id))
        return Decision(answer=json.encode(answer))

    try:
        answer = await context.ask(TAX, decide)
    except INTERRUPTED as error:
        raise OutcomeUnknownError("it is held; ask again with the same key") from error
    return answer._replace(is_replayed=reply.is_replayed)


def _refused(premium: Premium, attempt: int) -> str | None:
    """The tax authority's refusal of the payment or of a reversal."""
    if attempt == 0:
        return premium.code if premium.status is PremiumStatus.REJECTED else None
    return premium.refusals[attempt - 1] if attempt <= len(premium.refusals) else None


def _binding_with(reads: ReadSet, vault: Vault, sponsor: Side, payee_id: StreamId) -> StreamId:
    """The binding between two persons. As much is read of a payee who does not exist.

    Raises:
        SelfBindingError: they are the same person; KinLinkHasNoFundsError: they have a credential
        link only (S114); ScopeError, NotActiveError: they are relatives, or were bound or invited
        (S118); UnknownError: they are strangers, or there is no such person.
    """
    if payee_id == sponsor.account_id:
        raise SelfBindingError
    for link in sponsor.account.beneficiaries:
        if link.beneficiary == payee_id:
            return link.binding
    payee: Account | None = None
    with suppress(UnknownError):
        payee = reads.account(payee_id)
    invitations = payee.invitations if payee is not None else ()
    is_invited = any(who == sponsor.account_id for _, who in invitations)
    is_kin = registered(reads, vault, sponsor.account_id, payee_id) is not None
    has_link = link_between(reads, vault, sponsor.account_id, payee_id) is not None
    if is_linked(reads, vault, sponsor.account_id, payee_id) or (is_kin and has_link):
        raise KinLinkHasNoFundsError
    is_past = any(past.beneficiary == payee_id for past in sponsor.account.ever)
    if payee is None or not (is_invited or is_past or is_kin):
        raise UnknownError
    check_scope(sponsor, payee.region)
    raise NotActiveError


def _check_free(reads: ReadSet, name: bytes) -> None:
    """Check that there is no premium of this person, kind and year (S105, S106, S110)."""
    existing = reads.find(name)
    if existing is not None:
        is_in_progress = reads.premium(existing).status in OPEN
        raise PremiumInProgressError if is_in_progress else PremiumAlreadyPaidError


def _sides(premium: Premium) -> Parties:
    return Parties(premium.sponsor, premium.payee)


def _check_is_sponsors(
    reads: ReadSet, vault: Vault, caller: Caller, premium: Premium
) -> StreamId | None:
    """Allow the sponsor or the sponsor's agency; for whom the agency acts.

    Raises:
        NotPermittedError: the caller is neither.
    """
    if caller.role is Role.AGENCY:
        if caller.region not in (None, reads.account(premium.sponsor).region):
            raise NotPermittedError
        return premium.sponsor
    if find_person(reads, vault, caller.subject) != premium.sponsor:
        raise NotPermittedError
    return None
