"""Returns of money: to the account and bucket that paid, or into suspense (policy.md §3.4).

They depend on the state of the accounts alone, on no binding, order, cap, place or later policy.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aggregates.account.events import AidReturned, DebitReturned, ReturnSuspended
from aggregates.account.insurance_year import has_turned
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.choices import RefundBucket, RefundTo
from aggregates.policy.edition import RefundTerms
from aggregates.pool.events import PoolReturned
from aggregates.pool.pool import Pool
from aggregates.refusals import AmountOutOfRangeError
from aggregates.settlement.events import PayerReturn, Settled
from aggregates.settlement.settlement import Remainder
from aggregates.vocabulary import Ending, Instant, StreamId, instant

ReturnEvent = DebitReturned | AidReturned | ReturnSuspended | PoolReturned


class RefundBasis(NamedTuple):
    """What money is returned of: a settlement, and the refund terms it was made under.

    `pools` are those that paid for it, by their ids.
    """

    id: StreamId
    settled: Settled
    terms: RefundTerms
    pools: Mapping[StreamId, Pool] = {}


def full_return(remainder: Remainder) -> tuple[PayerReturn, ...]:
    """A return of all that the payers still pay."""
    return tuple(
        PayerReturn(
            account=share.account,
            binding=share.binding,
            current_fen=share.current_fen,
            prior_fen=share.prior_fen,
        )
        for share in remainder.payers
        if share.account is not None and share.current_fen + share.prior_fen
    )


def returns_of(
    payment: RefundBasis,
    payers: Iterable[PayerReturn],
    accounts: Mapping[StreamId, Account],
    ticket: str,
    now: Instant,
) -> list[tuple[StreamId, ReturnEvent]]:
    """The events of a return on the accounts; `accounts` holds the payers and all successors.

    They lower the cap counters of the day that the debit was counted on. Whether a year has ended
    since is asked of the account that gets the money. What a pool paid goes back to the pool; once
    its owner's account has ended, it goes where that account's money goes.

    Raises:
        AmountOutOfRangeError: an account would hold more than `AMOUNT_MAX_FEN`.
    """
    events: list[tuple[StreamId, ReturnEvent]] = []
    aid_fen = 0
    for payer in payers:
        events.append(_return(payment, payer, accounts, ticket, now))
        if payer.binding is not None:
            aid_fen += payer.current_fen + payer.prior_fen
    if aid_fen:
        aid = AidReturned(settlement=payment.id, amount_fen=aid_fen, on=payment.settled.on)
        events.append((payment.settled.claim.beneficiary, aid))
    _check_room(events, {**accounts, **payment.pools})
    return events


def _check_room(
    events: Iterable[tuple[StreamId, ReturnEvent]], funds: Mapping[StreamId, Account | Pool]
) -> None:
    returned_fen: dict[StreamId, int] = {}
    for to, event in events:
        if isinstance(event, DebitReturned):
            returned_fen[to] = returned_fen.get(to, 0) + event.current_fen + event.prior_fen
        elif isinstance(event, PoolReturned):
            returned_fen[to] = returned_fen.get(to, 0) + event.amount_fen
    if any(fen > AMOUNT_MAX_FEN - funds[to].balance_fen for to, fen in returned_fen.items()):
        raise AmountOutOfRangeError(field="amount")


def destination(
    account_id: StreamId, accounts: Mapping[StreamId, Account], terms: RefundTerms
) -> StreamId | None:
    """The account that gets a return; None where it goes into suspense (S72, S73).

    Of a transferred account it is the last of its successors, if that can hold money. After a
    death the money is the estate's, even if there is a successor (policy.md §3.3).
    """
    account, ended = accounts[account_id], terms.refund_to_ended_account
    if account.ending is not None and ended.closed is RefundTo.CREDIT:
        return account_id
    to: StreamId | None = account_id
    for _ in accounts:  # ends also where successors form a circle
        if account.ending is None or account.ending is Ending.DECEASED or to is None:
            break
        to = account.successor
        if to is not None:
            account = accounts[to]
    is_suspended = account.is_frozen and ended.frozen is RefundTo.SUSPENSE
    return to if account.ending is None and account.has_funds and not is_suspended else None


def pools_of(settled: Settled) -> dict[StreamId, StreamId]:
    """The pools that a settlement was paid from, by the binding of their payer."""
    return {s.binding: s.from_pool for s in settled.payers if s.binding and s.from_pool}


def _return(
    payment: RefundBasis,
    payer: PayerReturn,
    accounts: Mapping[StreamId, Account],
    ticket: str,
    now: Instant,
) -> tuple[StreamId, ReturnEvent]:
    on = payment.settled.on
    pool = pools_of(payment.settled).get(payer.binding) if payer.binding else None
    fen = payer.current_fen + payer.prior_fen
    if pool is not None and payer.binding is not None and accounts[payer.account].ending is None:
        return pool, PoolReturned(
            settlement=payment.id,
            binding=payer.binding,
            amount_fen=fen,
            on=on,
            returned_on=now.on,
        )
    to = destination(payer.account, accounts, payment.terms)
    binding = None if pool is not None else payer.binding  # the pool's caps counted it
    if to is None:
        return payer.account, ReturnSuspended(
            payment=payment.id,
            binding=binding,
            ticket=ticket,
            amount_fen=fen,
            on=on,
            returned_on=now.on,
        )
    current_fen, prior_fen = payer.current_fen, payer.prior_fen
    paid_on = instant(payment.settled.settled_at).on
    is_year_over = has_turned(paid_on, now.on, accounts[to].year_from)
    is_carried = payment.terms.refund_bucket_after_rollover is RefundBucket.CARRY_TO_PRIOR
    if pool is not None or (is_year_over and is_carried):
        current_fen, prior_fen = 0, fen
    return to, DebitReturned(
        settlement=payment.id,
        binding=binding if to == payer.account else None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        on=on,
        returned_on=now.on,
    )
