"""Which part of a bill's personal burden may be paid by whom."""

from dataclasses import replace
from typing import NamedTuple

from aggregates.account.state import AMOUNT_MAX_FEN
from aggregates.policy.choices import PayableBy
from aggregates.policy.edition import ItemTerms
from aggregates.refusals import AmountMismatchError, AmountOutOfRangeError, LinesMismatchError
from aggregates.settlement.events import Claim, FeeLine
from aggregates.settlement.payable_money import AID_MONEY, payable_by, sums_by_mask
from aggregates.vocabulary import Reason


class PayableParts(NamedTuple):
    """The personal part in fen, by who may pay it.

    `shared_fen` may be paid by own money and aid, `own_only_fen` by own money alone. The rest is
    paid in cash. With a reason in `aid_closed` no sponsor pays. `by_mask` says it more finely where
    buckets have rules: sums by the mask of the kinds of money, as of `sums_by_mask`. `reading` is
    the claim's.
    """

    personal_fen: int
    shared_fen: int
    own_only_fen: int
    use_account: bool
    reading: int = 0
    aid_closed: Reason | None = None
    by_mask: tuple[int, ...] | None = None

    @property
    def unneeded(self) -> Reason:
        """Why a sponsor gives nothing to a bill that leaves nothing for aid."""
        is_unpayable = self.reading > 0 and self.personal_fen > 0 and self.shared_fen == 0
        return Reason.NOT_PAYABLE if is_unpayable else Reason.NOT_NEEDED


def bill_of(claim: Claim, items: ItemTerms) -> PayableParts:
    """Divide a claim's personal part by the region's item rules (policy.md §3.2, S94, S95).

    Without lines the whole personal part is in scope. A category or part that the region
    does not list is not payable.

    Raises:
        AmountOutOfRangeError, AmountMismatchError, LinesMismatchError: the claim is not sound.
    """
    personal_fen = personal_of(claim)
    if items.bucket_rules:
        return _bill_by_buckets(claim, personal_fen, items)
    closed = _aid_closed(claim, items)
    if claim.lines is None:
        return PayableParts(personal_fen, personal_fen, 0, claim.use_account, claim.reading, closed)
    shared_fen = own_only_fen = 0
    for line in claim.lines:
        payer = payable_by(line, items)
        if payer is PayableBy.OWN_AND_AID:
            shared_fen += line.amount_fen
        elif payer is PayableBy.OWN:
            own_only_fen += line.amount_fen
    return PayableParts(
        personal_fen, shared_fen, own_only_fen, claim.use_account, claim.reading, closed
    )


def _aid_closed(claim: Claim, items: ItemTerms) -> Reason | None:
    """Why this bill gets no aid: the patient wants none, or the fund pays into it."""
    if not claim.use_aid:
        return Reason.AID_UNUSED
    if claim.fund_pay_fen and not items.aid_with_fund_pay:
        return Reason.FUND_PAYS
    return None


def _bill_by_buckets(claim: Claim, personal_fen: int, items: ItemTerms) -> PayableParts:
    by_mask = sums_by_mask(claim, personal_fen, items)
    shared_fen = sum(fen for mask, fen in enumerate(by_mask) if mask & AID_MONEY)
    own_only_fen = sum(by_mask[1:]) - shared_fen
    closed = _aid_closed(claim, items)
    return PayableParts(
        personal_fen, shared_fen, own_only_fen, claim.use_account, claim.reading, closed, by_mask
    )


def smaller(claim: Claim, less_fen: int, lines: tuple[tuple[str, int], ...] | None) -> Claim:
    """A claim reduced by `less_fen`; `lines` say how many fen are taken from which line."""
    reduced = claim.lines
    if reduced is not None:
        less = dict(lines or ())
        remaining: list[FeeLine] = []
        for line in reduced:
            fen = min(line.amount_fen, less.get(line.line, 0))
            if fen:
                less[line.line] -= fen
            remaining.append(replace(line, amount_fen=line.amount_fen - fen))
        reduced = tuple(remaining)
    return replace(claim, total_fen=claim.total_fen - less_fen, lines=reduced)


def personal_of(claim: Claim) -> int:
    """The personal part of a sound claim, in fen.

    Raises:
        AmountOutOfRangeError: an amount is below zero or above `AMOUNT_MAX_FEN`;
        AmountMismatchError: the fund paid more than the total;
        LinesMismatchError: the lines do not sum to the personal part.
    """
    amounts = [line.amount_fen for line in claim.lines or ()]
    amounts += (claim.total_fen, claim.fund_pay_fen)
    if min(amounts) < 0 or max(amounts) > AMOUNT_MAX_FEN:
        raise AmountOutOfRangeError
    personal_fen = claim.total_fen - claim.fund_pay_fen
    if personal_fen < 0:
        raise AmountMismatchError(field="fund_pay")
    if claim.lines is not None and sum(i.amount_fen for i in claim.lines) != personal_fen:
        raise LinesMismatchError(field="lines")
    return personal_fen
