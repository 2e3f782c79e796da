"""Money on its way back: to the account and bucket that paid, or aside (policy.md §3.4).

No binding, order, cap or place is asked, and no later policy: only how the accounts stand.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from aggregates.account.events import AidReturned, DebitReturned, ReturnSuspended
from aggregates.account.state import AMOUNT_MAX_FEN, Account
from aggregates.policy.choices import RefundBucket, RefundTo
from aggregates.policy.edition import RefundTerms
from aggregates.refusals import AmountOutOfRangeError
from aggregates.settlement.events import PayerReturn, Settled
from aggregates.settlement.settlement import Remainder
from aggregates.vocabulary import Ending, Instant, StreamId, instant

ReturnEvent = DebitReturned | AidReturned | ReturnSuspended


class RefundBasis(NamedTuple):
    """What money comes back from: the settlement, and the terms it was made under."""

    id: StreamId
    settled: Settled
    terms: RefundTerms


def everything(stay: Remainder) -> tuple[PayerReturn, ...]:
    """All that payers still pay."""
    return tuple(
        PayerReturn(
            account=share.account,
            binding=share.binding,
            current_fen=share.current_fen,
            prior_fen=share.prior_fen,
        )
        for share in stay.payers
        if share.account is not None and share.current_fen + share.prior_fen
    )


def returns_of(
    payment: RefundBasis,
    payers: Iterable[PayerReturn],
    accounts: Mapping[StreamId, Account],
    ticket: str,
    now: Instant,
) -> list[tuple[StreamId, ReturnEvent]]:
    """What a return does to the accounts: the payers' and all their successors'.

    The caps' counters fall on the day the debit was counted, whenever it comes back.

    Raises:
        AmountOutOfRangeError: an account would hold more than it may.
    """
    moved: list[tuple[StreamId, ReturnEvent]] = []
    aid_fen = 0
    for payer in payers:
        moved.append(_return(payment, payer, accounts, ticket, now))
        if payer.binding is not None:
            aid_fen += payer.current_fen + payer.prior_fen
    if aid_fen:
        aid = AidReturned(settlement=payment.id, amount_fen=aid_fen, on=payment.settled.on)
        moved.append((payment.settled.claim.beneficiary, aid))
    _check_room(moved, accounts)
    return moved


def _check_room(
    moved: Iterable[tuple[StreamId, ReturnEvent]], accounts: Mapping[StreamId, Account]
) -> None:
    """Refuse to fill an account beyond what a sum of the ledger can be."""
    back_fen: dict[StreamId, int] = {}
    for to, event in moved:
        if isinstance(event, DebitReturned):
            back_fen[to] = back_fen.get(to, 0) + event.current_fen + event.prior_fen
    if any(fen > AMOUNT_MAX_FEN - accounts[to].balance_fen for to, fen in back_fen.items()):
        raise AmountOutOfRangeError(field="amount")


def destination(
    account_id: StreamId, accounts: Mapping[StreamId, Account], terms: RefundTerms
) -> StreamId | None:
    """The account that takes a return; None where it is kept aside (S72, S73).

    It follows an account that moved to its successor, and that one to his, as far as they are
    known and can hold money. After a death it is the estate's, whoever succeeds (policy.md §3.3).
    """
    account, ended = accounts[account_id], terms.refund_to_ended_account
    if account.ending is not None and ended.closed is RefundTo.CREDIT:
        return account_id
    to: StreamId | None = account_id
    for _ in accounts:  # successors in a circle lead nowhere
        if account.ending is None or account.ending is Ending.DECEASED or to is None:
            break
        to = account.successor
        if to is not None:
            account = accounts[to]
    is_kept = account.is_frozen and ended.frozen is RefundTo.SUSPENSE
    return to if account.ending is None and account.has_funds and not is_kept else None


def _return(
    payment: RefundBasis,
    payer: PayerReturn,
    accounts: Mapping[StreamId, Account],
    ticket: str,
    now: Instant,
) -> tuple[StreamId, ReturnEvent]:
    to = destination(payer.account, accounts, payment.terms)
    on = payment.settled.on
    if to is None:
        return payer.account, ReturnSuspended(
            payment=payment.id,
            binding=payer.binding,
            ticket=ticket,
            amount_fen=payer.current_fen + payer.prior_fen,
            on=on,
            returned_on=now.on,
        )
    current_fen, prior_fen = payer.current_fen, payer.prior_fen
    is_over = instant(payment.settled.settled_at).on.year < now.on.year
    if is_over and payment.terms.refund_bucket_after_rollover is RefundBucket.CARRY_TO_PRIOR:
        current_fen, prior_fen = 0, current_fen + prior_fen
    return to, DebitReturned(
        settlement=payment.id,
        binding=payer.binding if to == payer.account else None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        on=on,
        returned_on=now.on,
    )
