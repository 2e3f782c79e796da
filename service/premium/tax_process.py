"""A premium's steps with the tax authority. Each is recorded before the next; decisions never wait.

A premium is held, recorded as sent, sent, then decided by the answer. After a crash between two
steps `carry_on` continues from any state. It is idempotent.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.pool.pool import Pool
from aggregates.premium import premium as rules
from aggregates.premium import reversal
from aggregates.premium.premium import OPEN, Premium
from aggregates.topics import Event
from aggregates.vocabulary import Instant, PremiumStatus, StreamId
from service.adapters.tax_authority import TaxAnswer, TaxOrder, TaxVerdict
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.person.masking import persons_of
from service.policy import edition_of_record
from service.settlement.returns import with_successors
from service.vault import Vault

TAX = Caller(Role.OPERATOR, "tax", None, "operator:tax")
"""The actor of events that the tax authority's answers cause."""
OVER = (PremiumStatus.REJECTED, PremiumStatus.REVERSED)
"""In these nothing is paid nor will be: the premium may be ordered again."""


class TaxInquiry(NamedTuple):
    """A premium before the tax authority is asked, and the order that identifies it there."""

    premium: Premium
    version: int
    order: TaxOrder

    @property
    def is_reversal(self) -> bool:
        """Whether the inquiry asks for a reversal."""
        return self.premium.status is PremiumStatus.REVERSE_REQUESTED


class PremiumInputs(NamedTuple):
    """A premium, its sponsor's account and the fund that pays it, as a step reads them.

    The fund is the account, or the sponsor's family pool.
    """

    reads: ReadSet
    premium: Premium
    sponsor: Account
    fund: Account | Pool
    now: Instant


PremiumTransition = Callable[[PremiumInputs], Sequence[tuple[StreamId, Event]]]


async def carry_on(
    context: ServiceContext, premium_id: StreamId, *, is_repeat: bool = False
) -> None:
    """Take an open premium as far as the tax authority allows; others stay as they are.

    A repeated request (`is_repeat`) only sends what was never sent. The resolver queries the rest.

    Raises:
        As `Appender.submit`; recorded steps stay recorded.
    """
    inquiry = await _inquiry(context, premium_id)
    if inquiry is None or context.tax is None:
        return
    status = inquiry.premium.status
    if is_repeat and status is not PremiumStatus.HELD:
        return
    if inquiry.is_reversal:
        answer = await context.tax.reverse(inquiry.order)
    elif status is PremiumStatus.HELD:
        sent = await _record(context, inquiry, "send", partial(_send, premium_id))
        if sent is not PremiumStatus.SENT_TO_TAX:
            return
        inquiry = inquiry._replace(version=inquiry.version + 1)
        answer = await context.tax.charge(inquiry.order)
    else:
        answer = await context.tax.query(inquiry.order)
        if answer.verdict is TaxVerdict.NOT_FOUND:  # it may still be on its way: never a refusal
            answer = await context.tax.charge(inquiry.order)
    is_unanswered = answer.verdict in (TaxVerdict.UNKNOWN, TaxVerdict.NOT_FOUND)
    if is_unanswered and (inquiry.is_reversal or status is PremiumStatus.UNKNOWN):
        return
    await _record(context, inquiry, answer.verdict, partial(_apply, context.vault, inquiry, answer))


async def _inquiry(context: ServiceContext, premium_id: StreamId) -> TaxInquiry | None:
    """An open premium and its order; None if it is not open, or the payee was erased."""
    head = (await context.store.read((premium_id,), ())).heads[premium_id]
    premium = head.state
    if not isinstance(premium, Premium) or premium.status not in OPEN:
        return None
    person = (await persons_of(context, (premium.payee,)))[premium.payee]
    if person is None:
        return None
    order = TaxOrder(
        premium_id, person.cert_no, premium.insurance, premium.year, premium.amount_fen
    )
    return TaxInquiry(premium, head.version, order)


async def _record(
    context: ServiceContext, inquiry: TaxInquiry, word: str, step: PremiumTransition
) -> PremiumStatus | None:
    """Append a step once for this version of the premium; its status if that happened just now."""
    premium_id = inquiry.order.premium_id

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        sponsor, fund = reads.account(premium.sponsor), fund_of(reads, premium)
        events = [*step(PremiumInputs(reads, premium, sponsor, fund, now))]
        for stream, event in events:
            if stream == premium_id:
                premium = rules.evolve(premium, event)  # type: ignore[arg-type]
        if not events:
            return Decision(answer=b"")
        is_over = premium.status in OVER
        name = name_of(context.vault, premium.payee, premium.insurance, premium.year)
        frees = {name} if is_over else set()
        return Decision(answer=premium.status.encode(), events=events, frees=frees)

    key = f"{word}:{premium_id}:{inquiry.version}"
    request = Request(TAX, key, hashlib.sha256(key.encode()).digest(), "tax")
    reply = await context.do(request, decide)
    return None if reply.is_replayed or not reply.answer else PremiumStatus(reply.answer.decode())


def _send(premium_id: StreamId, inputs: PremiumInputs) -> rules.PremiumEvents:
    return rules.send(premium_id, inputs.premium, inputs.fund, inputs.now)


def _apply(
    vault: Vault, inquiry: TaxInquiry, answer: TaxAnswer, inputs: PremiumInputs
) -> Sequence[tuple[StreamId, Event]]:
    """The events that an answer of the tax authority causes."""
    premium_id = inquiry.order.premium_id
    reads, premium, sponsor, fund, now = inputs
    match answer.verdict:
        case TaxVerdict.CONFIRMED:
            return rules.confirm(premium_id, premium, fund, answer.receipt, now)
        case TaxVerdict.REFUSED if inquiry.is_reversal:
            # A refusal answers its own request, not a later one.
            is_answer = premium.requests == inquiry.premium.requests
            refused = reversal.refuse_reversal(premium_id, premium, answer.word)
            return refused if is_answer else []
        case TaxVerdict.REFUSED:
            return rules.reject(premium_id, premium, fund, answer.word)
        case TaxVerdict.REVERSED:
            edition = edition_of_record(reads, vault, sponsor.region, premium.edition)
            accounts = with_successors(reads, (premium.sponsor,))
            ticket = new_stream("tkt", now.at)
            return reversal.give_back(premium_id, premium, accounts, edition, ticket, now)
        case TaxVerdict.UNKNOWN | TaxVerdict.NOT_FOUND:
            return rules.doubt(premium_id, premium, answer.word)


def fund_of(reads: ReadSet, premium: Premium) -> Account | Pool:
    """The pool that pays a premium, or the sponsor's account."""
    if premium.premium_pool is not None:
        return reads.pool(premium.premium_pool)
    return reads.account(premium.sponsor)


def name_of(vault: Vault, payee: StreamId, insurance: str, year: int) -> bytes:
    """The unique name of a premium that is not over: one per payee, kind and year (S105)."""
    return vault.name("premium", f"{payee}\0{insurance}\0{year}")
