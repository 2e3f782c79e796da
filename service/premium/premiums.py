"""Pay a relative's premium, take it back, and look at it (居民医保费代缴, policy.md §4).

A key is used up when the money is set aside; asked again it answers how the premium stands
now, which is not always what the first call could say.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates.account.state import Account
from aggregates.binding.eligibility import Side, check_near
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
from service.binding.kinship import is_parent_of_minor, registered
from service.binding.parties import party, side_of
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.credential_link.names import is_linked, link_between
from service.ledger.command import Decision, OverloadedError, Reply
from service.ledger.postgres.commit import TROUBLE
from service.ledger.read_set import ReadSet
from service.ledger.store import OutcomeUnknownError
from service.person.lookup import find_or_stand_in, find_person
from service.policy import edition_of_record
from service.premium.tax_process import TAX, carry_on, name_of
from service.serializers import moment, yuan
from service.vault import Vault

CUT_OFF = (*TROUBLE, OutcomeUnknownError, OverloadedError)
"""What may stop us on the way: the premium is where the log has it, and is taken further later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPremium:
    """A premium to be paid. `sponsor` is a person number; None is the caller himself."""

    sponsor: str | None
    payee: str
    insurance: PremiumType
    year: int


async def pay(context: ServiceContext, request: Request, command: PayPremium) -> Reply:
    """Set the whole amount aside, then ask the tax side to book it.

    The answer is the premium as it stands then; open where the tax side has not answered. A
    refusal of the tax side is a refusal here.

    Raises:
        TaxUnavailableError: there is nobody to ask; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if context.tax is None:
        raise TaxUnavailableError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        sponsor = side_of(
            reads,
            context.vault,
            party(reads, context.vault, request.caller, command.sponsor),
            now,
        )
        payee_id = find_or_stand_in(reads, context.vault, sponsor.account_id, command.payee)
        binding_id = _bound(reads, context.vault, sponsor, payee_id)
        payee = reads.account(payee_id)
        premium_id = new_stream("prm", now.at)
        order = rules.PremiumOrder(premium_id, command.insurance, command.year)
        rules.check_order(order, sponsor, payee, reads.binding(binding_id), now)
        name = name_of(context.vault, payee_id, command.insurance, command.year)
        _check_free(reads, name)
        return Decision(
            answer=json.encode({"premium_id": premium_id}),
            events=[*rules.hold(order, sponsor, payee_id, binding_id, now)],
            takes={name: premium_id},
            on_behalf_of=sponsor.account_id if request.caller.role is Role.AGENCY else None,
        )

    reply = await context.do(request, decide)
    if reply.refusal is not None:
        return reply
    premium_id = StreamId(json.decode(reply.answer)["premium_id"])
    return await _after(context, premium_id, reply, 0)


async def reverse(
    context: ServiceContext, request: Request, premium_id: StreamId, reason: str
) -> Reply:
    """Take a paid premium back, by the region's guards and the tax side's leave (S112).

    Raises:
        UnknownError: there is none, or it is not the caller's; NotPermittedError: it is the
        sponsor's to do; TaxUnavailableError: there is nobody to ask; the rest as
        `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON, Role.AGENCY)
    if context.tax is None:
        raise TaxUnavailableError

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        _check_sees(reads, context.vault, request.caller, premium, now)
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
    """A premium as the log has it now: for sponsor and payee, their agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.PERSON, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        _check_sees(reads, context.vault, caller, premium, now)
        answer = premium_answer(premium_id, premium, reads.version(premium_id))
        return Decision(answer=json.encode(answer))

    return await context.ask(caller, decide)


def premium_answer(premium_id: StreamId, premium: Premium, version: int) -> dict[str, Any]:
    """A premium; its parties stand as account ids, and no balance of theirs is in it."""
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


def parties_in(answer: bytes) -> tuple[StreamId, StreamId]:
    """The account ids of both sides in a premium's answer."""
    premium = json.decode(answer)
    return premium["sponsor"], premium["payee"]


def is_open(answer: bytes) -> bool:
    """Whether the premium of an answer waits for the tax side."""
    return PremiumStatus(json.decode(answer)["status"]) in OPEN


async def _after(
    context: ServiceContext, premium_id: StreamId, reply: Reply, attempt: int
) -> Reply:
    """How a premium stands after the first call took it on, or when a repeat asks.

    `attempt` numbers a request to take it back, from 1; 0 is the payment itself.

    Raises:
        OutcomeUnknownError: money is set aside, and more cannot be said now.
    """
    with suppress(*CUT_OFF):
        await carry_on(context, premium_id, is_repeat=reply.is_replayed)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        premium = reads.premium(premium_id)
        code = _refused(premium, attempt)
        if code is not None:
            return Decision(answer=json.encode({"premium_id": premium_id}), refusal=code)
        answer = premium_answer(premium_id, premium, reads.version(premium_id))
        return Decision(answer=json.encode(answer))

    try:
        told = await context.ask(TAX, decide)
    except CUT_OFF as error:
        raise OutcomeUnknownError("it is held; ask again with the same key") from error
    return told._replace(is_replayed=reply.is_replayed)


def _refused(premium: Premium, attempt: int) -> str | None:
    """The tax side's no to what was asked."""
    if attempt == 0:
        return premium.code if premium.status is PremiumStatus.REJECTED else None
    return premium.refusals[attempt - 1] if attempt <= len(premium.refusals) else None


def _bound(reads: ReadSet, vault: Vault, sponsor: Side, payee_id: StreamId) -> StreamId:
    """The binding between two persons. The same is read of a payee who is not there.

    Raises:
        SelfBindingError: one and the same; KinLinkHasNoFundsError: linked to show a code
        (S114); ScopeError, NotActiveError: relatives, or once bound, and not now (S118);
        UnknownError: strangers, as if there were no such person.
    """
    if payee_id == sponsor.account_id:
        raise SelfBindingError
    ties = sponsor.account.beneficiaries
    binding_id = next((tie.binding for tie in ties if tie.beneficiary == payee_id), None)
    if binding_id is not None:
        return binding_id
    payee: Account | None = None
    with suppress(UnknownError):
        payee = reads.account(payee_id)
    invitations = payee.invitations if payee is not None else ()
    is_invited = any(who == sponsor.account_id for _, who in invitations)
    is_kin = registered(reads, vault, sponsor.account_id, payee_id) is not None
    asked = link_between(reads, vault, sponsor.account_id, payee_id) is not None
    if is_linked(reads, vault, sponsor.account_id, payee_id) or (is_kin and asked):
        raise KinLinkHasNoFundsError
    is_past = any(tie.beneficiary == payee_id for tie in sponsor.account.ever)
    if payee is None or not (is_invited or is_past or is_kin):
        raise UnknownError
    check_near(sponsor, payee.region)
    raise NotActiveError


def _check_free(reads: ReadSet, name: bytes) -> None:
    """One premium per person, kind and year, whoever pays (S105, S106, S110)."""
    live = reads.find(name)
    if live is None:
        return
    if reads.premium(live).status in OPEN:
        raise PremiumInProgressError
    raise PremiumAlreadyPaidError


def _check_sees(
    reads: ReadSet, vault: Vault, caller: Caller, premium: Premium, now: Instant
) -> None:
    """Let the two sides in, a parent of a payee under age, their agencies, and auditors.

    Raises:
        UnknownError: anybody else.
    """
    sides = (premium.sponsor, premium.payee)
    if caller.role is Role.AUDITOR:
        return
    if caller.role is Role.AGENCY:
        if caller.region is None or caller.region in {reads.account(s).region for s in sides}:
            return
        raise UnknownError
    me = find_person(reads, vault, caller.subject)
    if me not in sides and not is_parent_of_minor(reads, vault, me, premium.payee, now):
        raise UnknownError


def _check_is_sponsors(
    reads: ReadSet, vault: Vault, caller: Caller, premium: Premium
) -> StreamId | None:
    """Let the sponsor act, or his agency; for whom it acts.

    Raises:
        NotPermittedError: the other side's to do.
    """
    if caller.role is Role.AGENCY:
        if caller.region not in (None, reads.account(premium.sponsor).region):
            raise NotPermittedError
        return premium.sponsor
    if find_person(reads, vault, caller.subject) != premium.sponsor:
        raise NotPermittedError
    return None
