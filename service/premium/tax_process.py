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
from aggregates.topics import Event
from aggregates.vocabulary import Instant, PremiumStatus, StreamId
from service.adapters.tax_authority import TaxAnswer, TaxOrder, Verdict
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import House
from service.ledger.command import Decision
from service.ledger.read_set import View
from service.person.masking import persons_of
from service.policy import edition_of_record
from service.settlement.returns import with_successors
from service.vault import Keys

TAX = Caller(Role.OPERATOR, "tax", None, "operator:tax")
"""Who the log names for what the tax side's answers did."""
OVER = (PremiumStatus.REJECTED, PremiumStatus.REVERSED)
"""Nothing of it is paid, and nothing will be: another may be ordered."""

Moved = list[tuple[StreamId, Event]]


class Asked(NamedTuple):
    """A premium the tax side is asked about, as it stood before, and what the tax side knows."""

    premium: Premium
    version: int
    order: TaxOrder


class Seen(NamedTuple):
    """A premium and its sponsor's account as a step finds them."""

    view: View
    premium: Premium
    sponsor: Account
    now: Instant


Step = Callable[[Seen], Moved]


async def carry_on(house: House, premium_id: StreamId, *, is_repeat: bool = False) -> None:
    """Take an open premium as far as the tax side lets it; nothing is done to any other.

    A caller who repeats himself takes on only what was never sent, and asks the tax side nothing
    twice: what it has not answered is the resolver's to ask.

    Raises:
        As `Appender.submit`; what was recorded stays recorded.
    """
    asked = await _asked(house, premium_id)
    if asked is None or house.tax is None:
        return
    status = asked.premium.status
    if is_repeat and status is not PremiumStatus.HELD:
        return
    if status is PremiumStatus.REVERSE_REQUESTED:
        answer = await house.tax.reverse(asked.order)
    elif status is PremiumStatus.HELD:
        sent = await _record(house, asked, "send", partial(_send, asked))
        if sent is not PremiumStatus.SENT_TO_TAX:
            return
        asked = asked._replace(version=asked.version + 1)
        answer = await house.tax.charge(asked.order)
    else:
        answer = await house.tax.query(asked.order)
        if answer.verdict is Verdict.NOT_FOUND:  # it may still be on its way: never a no
            answer = await house.tax.charge(asked.order)
    step = _step_of(house.keys, asked, answer)
    if step is not None:
        await _record(house, asked, answer.verdict, step)


async def _asked(house: House, premium_id: StreamId) -> Asked | None:
    """An open premium as the log has it, and whom it is about; None where nothing is to be done."""
    head = (await house.store.read((premium_id,), ())).heads[premium_id]
    premium = head.state
    if not isinstance(premium, Premium) or premium.status not in OPEN:
        return None
    person = (await persons_of(house, (premium.payee,)))[premium.payee]
    if person is None:
        return None  # erased meanwhile: nobody can tell the tax side who he was
    order = TaxOrder(
        premium_id, person.cert_no, premium.insurance, premium.year, premium.amount_fen
    )
    return Asked(premium, head.version, order)


async def _record(house: House, asked: Asked, word: str, step: Step) -> PremiumStatus | None:
    """Append a step, once for this version of the premium; its status if that happened just now."""
    premium_id = asked.order.premium_id

    def decide(view: View, now: Instant) -> Decision:
        premium = view.premium(premium_id)
        moved = step(Seen(view, premium, view.account(premium.sponsor), now))
        for stream, event in moved:
            if stream == premium_id:
                premium = rules.evolve(premium, event)  # type: ignore[arg-type]
        is_over = bool(moved) and premium.status in OVER
        frees = {premium_name(house.keys, premium)} if is_over else set()
        return Decision(answer=premium.status.encode() if moved else b"", events=moved, frees=frees)

    key = f"{word}:{premium_id}:{asked.version}"
    request = Request(TAX, key, hashlib.sha256(key.encode()).digest(), "tax")
    reply = await house.do(request, decide)
    return None if reply.is_replayed or not reply.answer else PremiumStatus(reply.answer.decode())


def _send(asked: Asked, seen: Seen) -> Moved:
    return [*rules.send(asked.order.premium_id, seen.premium, seen.sponsor, seen.now)]


def _step_of(keys: Keys, asked: Asked, answer: TaxAnswer) -> Step | None:
    """What an answer makes of a premium; None where it changes nothing."""
    is_back = asked.premium.status is PremiumStatus.REVERSE_REQUESTED
    match answer.verdict:
        case Verdict.CONFIRMED:
            return partial(_confirm, asked, answer)
        case Verdict.REFUSED if is_back:
            return partial(_keep, asked, answer)
        case Verdict.REFUSED:
            return partial(_reject, asked, answer)
        case Verdict.REVERSED:
            return partial(_give_back, keys, asked)
        case Verdict.UNKNOWN | Verdict.NOT_FOUND:
            is_told = is_back or asked.premium.status is PremiumStatus.UNKNOWN
            return None if is_told else partial(_doubt, asked, answer)


def _confirm(asked: Asked, answer: TaxAnswer, seen: Seen) -> Moved:
    premium_id = asked.order.premium_id
    return [*rules.confirm(premium_id, seen.premium, seen.sponsor, answer.receipt, seen.now)]


def _reject(asked: Asked, answer: TaxAnswer, seen: Seen) -> Moved:
    return [*rules.reject(asked.order.premium_id, seen.premium, seen.sponsor, answer.word)]


def _doubt(asked: Asked, answer: TaxAnswer, seen: Seen) -> Moved:
    return [*rules.doubt(asked.order.premium_id, seen.premium, answer.word)]


def _keep(asked: Asked, answer: TaxAnswer, seen: Seen) -> Moved:
    """The tax side's no, to this request alone: a later one is not answered by an earlier no."""
    if seen.premium.requests != asked.premium.requests:
        return []
    return [*reversal.refuse_reversal(asked.order.premium_id, seen.premium, answer.word)]


def _give_back(keys: Keys, asked: Asked, seen: Seen) -> Moved:
    view, premium, sponsor, now = seen
    edition = edition_of_record(view, keys, sponsor.region, premium.edition)
    accounts = with_successors(view, (premium.sponsor,))
    ticket = new_stream("tkt", now.at)
    return [
        *reversal.give_back(asked.order.premium_id, premium, accounts, edition, ticket, now),
    ]


def premium_name(keys: Keys, premium: Premium) -> bytes:
    """The unique name of a live premium: one per payee, kind and year, whoever pays (S105)."""
    return name_of(keys, premium.payee, premium.insurance, premium.year)


def name_of(keys: Keys, payee: StreamId, insurance: str, year: int) -> bytes:
    """That name before there is a premium."""
    return keys.name("premium", f"{payee}\0{insurance}\0{year}")
