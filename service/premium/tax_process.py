"""A premium's way through the tax side: each step durable before the next, none in a decision.

Held, then recorded as sent, then sent, then what the answer says. Whoever dies between two of
them leaves a premium that `carry_on` takes further, from any state and as often as one likes.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.premium import premium as rules
from aggregates.premium import reversal
from aggregates.premium.premium import OPEN, Premium
from aggregates.vocabulary import Instant, PremiumStatus, StreamId
from service.adapters.tax_authority import TaxAnswer, TaxOrder, TaxVerdict
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.masking import persons_of
from service.policy import edition_of_record
from service.settlement.returns import with_successors
from service.vault import Vault

TAX = Caller(Role.OPERATOR, "tax", None, "operator:tax")
"""Who the log names for what the tax side's answers did."""
OVER = (PremiumStatus.REJECTED, PremiumStatus.REVERSED)
"""Nothing of it is paid, and nothing will be: another may be ordered."""


class TaxInquiry(NamedTuple):
    """A premium the tax side is asked about, as it stood before, and what the tax side knows."""

    premium: Premium
    version: int
    order: TaxOrder


class PremiumInputs(NamedTuple):
    """A premium and its sponsor's account as a step finds them."""

    reads: ReadSet
    premium: Premium
    sponsor: Account
    now: Instant


PremiumTransition = Callable[[PremiumInputs], StreamEvents]


async def carry_on(
    context: ServiceContext, premium_id: StreamId, *, is_repeat: bool = False
) -> None:
    """Take an open premium as far as the tax side lets it; nothing is done to any other.

    A caller who repeats himself takes on only what was never sent, and asks the tax side nothing
    twice: what it has not answered is the resolver's to ask.

    Raises:
        As `Appender.submit`; what was recorded stays recorded.
    """
    asked = await _asked(context, premium_id)
    if asked is None or context.tax is None:
        return
    status = asked.premium.status
    if is_repeat and status is not PremiumStatus.HELD:
        return
    if status is PremiumStatus.REVERSE_REQUESTED:
        answer = await context.tax.reverse(asked.order)
    elif status is PremiumStatus.HELD:
        sent = await _record(context, asked, "send", partial(_send, asked))
        if sent is not PremiumStatus.SENT_TO_TAX:
            return
        asked = asked._replace(version=asked.version + 1)
        answer = await context.tax.charge(asked.order)
    else:
        answer = await context.tax.query(asked.order)
        if answer.verdict is TaxVerdict.NOT_FOUND:  # it may still be on its way: never a no
            answer = await context.tax.charge(asked.order)
    step = _step_of(context.vault, asked, answer)
    if step is not None:
        await _record(context, asked, answer.verdict, step)


async def _asked(context: ServiceContext, premium_id: StreamId) -> TaxInquiry | None:
    """An open premium as the log has it, and whom it is about; None where nothing is to be done."""
    head = (await context.store.read((premium_id,), ())).heads[premium_id]
    premium = head.state
    if not isinstance(premium, Premium) or premium.status not in OPEN:
        return None
    person = (await persons_of(context, (premium.payee,)))[premium.payee]
    if person is None:
        return None  # erased meanwhile: nobody can tell the tax side who he was
    order = TaxOrder(
        premium_id, person.cert_no, premium.insurance, premium.year, premium.amount_fen
    )
    return TaxInquiry(premium, head.version, order)


async def _record(
    context: ServiceContext, asked: TaxInquiry, word: str, step: PremiumTransition
) -> PremiumStatus | None:
    """Append a step, once for this version of the premium; its status if that happened just now."""
    premium_id = asked.order.premium_id

    def decide(reads: ReadSet, now: Instant) -> Decision:
        premium = reads.premium(premium_id)
        moved = step(PremiumInputs(reads, premium, reads.account(premium.sponsor), now))
        for stream, event in moved:
            if stream == premium_id:
                premium = rules.evolve(premium, event)  # type: ignore[arg-type]
        is_over = bool(moved) and premium.status in OVER
        frees = {premium_name(context.vault, premium)} if is_over else set()
        return Decision(answer=premium.status.encode() if moved else b"", events=moved, frees=frees)

    key = f"{word}:{premium_id}:{asked.version}"
    request = Request(TAX, key, hashlib.sha256(key.encode()).digest(), "tax")
    reply = await context.do(request, decide)
    return None if reply.is_replayed or not reply.answer else PremiumStatus(reply.answer.decode())


def _send(asked: TaxInquiry, seen: PremiumInputs) -> StreamEvents:
    return [*rules.send(asked.order.premium_id, seen.premium, seen.sponsor, seen.now)]


def _step_of(vault: Vault, asked: TaxInquiry, answer: TaxAnswer) -> PremiumTransition | None:
    """What an answer makes of a premium; None where it changes nothing."""
    is_back = asked.premium.status is PremiumStatus.REVERSE_REQUESTED
    match answer.verdict:
        case TaxVerdict.CONFIRMED:
            return partial(_confirm, asked, answer)
        case TaxVerdict.REFUSED if is_back:
            return partial(_keep, asked, answer)
        case TaxVerdict.REFUSED:
            return partial(_reject, asked, answer)
        case TaxVerdict.REVERSED:
            return partial(_give_back, vault, asked)
        case TaxVerdict.UNKNOWN | TaxVerdict.NOT_FOUND:
            is_told = is_back or asked.premium.status is PremiumStatus.UNKNOWN
            return None if is_told else partial(_doubt, asked, answer)


def _confirm(asked: TaxInquiry, answer: TaxAnswer, seen: PremiumInputs) -> StreamEvents:
    premium_id = asked.order.premium_id
    return [*rules.confirm(premium_id, seen.premium, seen.sponsor, answer.receipt, seen.now)]


def _reject(asked: TaxInquiry, answer: TaxAnswer, seen: PremiumInputs) -> StreamEvents:
    return [*rules.reject(asked.order.premium_id, seen.premium, seen.sponsor, answer.word)]


def _doubt(asked: TaxInquiry, answer: TaxAnswer, seen: PremiumInputs) -> StreamEvents:
    return [*rules.doubt(asked.order.premium_id, seen.premium, answer.word)]


def _keep(asked: TaxInquiry, answer: TaxAnswer, seen: PremiumInputs) -> StreamEvents:
    """The tax side's no, to this request alone: a later one is not answered by an earlier no."""
    if seen.premium.requests != asked.premium.requests:
        return []
    return [*reversal.refuse_reversal(asked.order.premium_id, seen.premium, answer.word)]


def _give_back(vault: Vault, asked: TaxInquiry, seen: PremiumInputs) -> StreamEvents:
    reads, premium, sponsor, now = seen
    edition = edition_of_record(reads, vault, sponsor.region, premium.edition)
    accounts = with_successors(reads, (premium.sponsor,))
    ticket = new_stream("tkt", now.at)
    return [
        *reversal.give_back(asked.order.premium_id, premium, accounts, edition, ticket, now),
    ]


def premium_name(vault: Vault, premium: Premium) -> bytes:
    """The unique name of a live premium: one per payee, kind and year, whoever pays (S105)."""
    return name_of(vault, premium.payee, premium.insurance, premium.year)


def name_of(vault: Vault, payee: StreamId, insurance: str, year: int) -> bytes:
    """That name before there is a premium."""
    return vault.name("premium", f"{payee}\0{insurance}\0{year}")
