"""Which money may pay which lines where buckets have rules of their own (regions.md §4 row 3).

Own money and aid, each of two buckets, are four kinds of money: the bits of a mask. A line has
the mask of the kinds that may pay it. Amounts of the kinds can be laid on the lines exactly if no
set of kinds pays more than the lines that at least one of it may pay. So who pays how much is
decided without saying who pays which line, and no money is kept from a line that only it may pay.
"""

from collections.abc import Iterable

from aggregates.policy.choices import PayableBy, Whose
from aggregates.policy.edition import BucketRule, ItemTerms
from aggregates.settlement.events import Claim, FeeLine
from aggregates.vocabulary import Bucket, Part

BITS = {
    (Whose.OWN, Bucket.CURRENT): 1,
    (Whose.OWN, Bucket.PRIOR): 2,
    (Whose.AID, Bucket.CURRENT): 4,
    (Whose.AID, Bucket.PRIOR): 8,
}
"""The bit of each kind of money."""
OWN_MONEY, AID_MONEY = 3, 12
_MASKS = range(16)


class Room:
    """How much each kind of money may still pay of a bill, in fen."""

    __slots__ = ("_left",)

    def __init__(self, by_mask: Iterable[int]) -> None:
        """Begin with a bill's lines, summed by their masks."""
        sums = tuple(by_mask)
        self._left = [sum(sums[mask] for mask in _MASKS if mask & kinds) for kinds in _MASKS]

    def left(self, kinds: int) -> int:
        """The most that these kinds together may still pay."""
        return min(self._left[k] for k in _MASKS if k & kinds == kinds)

    def within(
        self, whose: Whose, buckets: tuple[tuple[Bucket, int], ...]
    ) -> tuple[tuple[Bucket, int], ...]:
        """What the buckets hold that may pay, if each pays all that it can before the next."""
        paid = list(self._left)
        within: list[tuple[Bucket, int]] = []
        for bucket, holds_fen in buckets:
            bit = BITS[whose, bucket]
            fen = min(holds_fen, *(paid[k] for k in _MASKS if k & bit))
            _take(paid, bit, fen)
            within.append((bucket, fen))
        return tuple(within)

    def pay(self, whose: Whose, current_fen: int, prior_fen: int) -> None:
        """Count what a payer gave."""
        _take(self._left, BITS[whose, Bucket.CURRENT], current_fen)
        _take(self._left, BITS[whose, Bucket.PRIOR], prior_fen)


def _take(left: list[int], bit: int, fen: int) -> None:
    for kinds in _MASKS:
        if kinds & bit:
            left[kinds] -= fen


def sums_by_mask(claim: Claim, personal_fen: int, items: ItemTerms) -> tuple[int, ...]:
    """The personal part by mask, in fen; without lines all of it is in scope, of any category."""
    sums = [0] * len(_MASKS)
    if claim.lines is None:
        sums[_mask(None, PayableBy.OWN_AND_AID, claim.med_type, items)] = personal_fen
    for line in claim.lines or ():
        sums[mask_of(line, claim.med_type, items)] += line.amount_fen
    return tuple(sums)


def mask_of(line: FeeLine, med_type: str, items: ItemTerms) -> int:
    """The kinds of money that may pay a line."""
    return _mask(line, payable_by(line, items), med_type, items)


def payable_by(line: FeeLine, items: ItemTerms) -> PayableBy:
    """Whose money may pay a fee line: whoever its category and its part both allow."""
    rules = (
        items.item_category_rule.get(line.category, PayableBy.NONE),
        items.item_part_rule.get(line.part, PayableBy.NONE),
    )
    if PayableBy.NONE in rules:
        return PayableBy.NONE
    return PayableBy.OWN if PayableBy.OWN in rules else PayableBy.OWN_AND_AID


def payer_of(line: FeeLine, med_type: str, items: ItemTerms) -> PayableBy:
    """Whose money may pay a fee line, with the rules of buckets: of aid if any aid may."""
    if not items.bucket_rules:
        return payable_by(line, items)
    mask = mask_of(line, med_type, items)
    if mask & AID_MONEY:
        return PayableBy.OWN_AND_AID
    return PayableBy.OWN if mask else PayableBy.NONE


def _mask(line: FeeLine | None, payer: PayableBy, med_type: str, items: ItemTerms) -> int:
    mask = 0
    for (whose, bucket), bit in BITS.items():
        rules = [r for r in items.bucket_rules if (r.whose, r.bucket) == (whose, bucket)]
        if rules:
            is_payable = any(_admits(rule, line, med_type) for rule in rules)
        else:
            is_payable = payer is PayableBy.OWN_AND_AID or (
                payer is PayableBy.OWN and whose is Whose.OWN
            )
        mask |= bit if is_payable else 0
    return mask


def _admits(rule: BucketRule, line: FeeLine | None, med_type: str) -> bool:
    """Whether a rule lets its money pay a line of a bill."""
    if rule.med_types and not med_type.startswith(rule.med_types):
        return False
    if rule.parts and (line.part if line else Part.IN_SCOPE) not in rule.parts:
        return False
    return line is None or not rule.categories or line.category in rule.categories
