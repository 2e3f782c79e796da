"""The deduction order: which sponsor pays first (policy.md §3.2 `order_strategy`, §8.3)."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from aggregates.account.events import OrderChanged
from aggregates.account.state import Account, SponsorLink
from aggregates.policy.choices import OrderMissing, OrderStrategy, TieBreak
from aggregates.policy.edition import Edition, OrderTerms
from aggregates.refusals import NotPermittedError, SponsorInvalidError, VersionStaleError
from aggregates.vocabulary import StreamId

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SET_BY_HAND = (OrderStrategy.BENEFICIARY_SET, OrderStrategy.SPONSOR_SET)


class CurrentOrder(NamedTuple):
    """The deduction order at a moment.

    `sponsors` are in paying order, None before an order was set. `version` changes with them.
    """

    sponsors: tuple[SponsorLink, ...] | None
    version: int


def current_order(account: Account, live: tuple[SponsorLink, ...]) -> CurrentOrder:
    """The order over `live`, the account's sponsors whose grant has not expired.

    The fold raises the version with every event that adds or removes a sponsor. Expired grants
    without such an event yet are added here, so the version rises once, at the expiry.
    """
    if account.order is None:
        return CurrentOrder(None, account.order_version)
    expired = len(account.sponsors) - len(live)
    return CurrentOrder(_by_hand(live, account.order), account.order_version + expired)


def change_order(
    account: Account,
    live: tuple[SponsorLink, ...],
    bindings: Sequence[StreamId],
    version: int | None,
) -> OrderChanged:
    """Set the order of all `live` sponsors, or of some: the others follow by age.

    Raises:
        SponsorInvalidError: one is named twice, or is no sponsor of this account (S44);
        VersionStaleError: `version` is given and is not the current one.
    """
    linked = {link.binding for link in live}
    if len(set(bindings)) != len(bindings) or not linked.issuperset(bindings):
        raise SponsorInvalidError
    current = current_order(account, live).version
    if version is not None and version != current:
        raise VersionStaleError(version=current)
    return OrderChanged(bindings=tuple(bindings))


def order_at_binding(
    account: Account,
    live: tuple[SponsorLink, ...],
    new: StreamId,
    rank: int | None,
    terms: Edition,
) -> OrderChanged | None:
    """The order after a sponsor was bound with a rank; None if the region takes none.

    `account` has the new sponsor, bound by `new`. The others keep their order. A rank behind the
    last one is the last.
    """
    by_hand = terms.order.order_strategy in SET_BY_HAND
    if rank is None or not (by_hand and terms.binding.rank_at_binding):
        return None
    return move(account, live, new, rank)


def move(
    account: Account, live: tuple[SponsorLink, ...], binding: StreamId, rank: int
) -> OrderChanged:
    """Put one sponsor at a place, 1 first; the others keep their order among themselves."""
    order = [s.binding for s in _by_hand(live, account.order or ()) if s.binding != binding]
    order.insert(rank - 1, binding)
    return OrderChanged(bindings=tuple(order))


def moved_by(
    account: Account,
    live: tuple[SponsorLink, ...],
    sponsor: StreamId,
    wish: OrderChanged,
    rank: int | None = None,
) -> OrderChanged:
    """The order that one sponsor (an account id) wishes, who moves only himself.

    Who names only himself pays at `rank`, first without one; the others keep their order
    (regions.md §4 row 13).

    Raises:
        NotPermittedError: the others would pay in another order among themselves.
    """
    own = [link.binding for link in live if link.sponsor == sponsor]
    if list(wish.bindings) == own:
        return move(account, live, own[0], rank or 1)
    before, after = (
        [link.binding for link in _by_hand(live, order) if link.sponsor != sponsor]
        for order in (account.order or (), wish.bindings)
    )
    if before != after:
        raise NotPermittedError
    return wish


def is_order_asked(account: Account, live: tuple[SponsorLink, ...], terms: OrderTerms) -> bool:
    """Whether a person still has to set the order, and the region asks for it."""
    return (
        terms.order_asked_at_second_sponsor
        and terms.order_strategy in SET_BY_HAND
        and account.order is None
        and len(live) > 1
    )


def in_order(
    account: Account,
    links: tuple[SponsorLink, ...],
    terms: OrderTerms,
    region_of: Callable[[StreamId], str],
    balance_of: Callable[[StreamId], int],
) -> tuple[SponsorLink, ...] | None:
    """The sponsors in paying order, or None if the region requires an order to be set (S37).

    `links` are the account's sponsors whose grant has not expired. `region_of` and `balance_of`
    (fen) read a sponsor's account. The name's place breaks a tie where the region says so, and then
    the smaller binding id.
    """
    if len(links) < 2:  # noqa: PLR2004 -- one sponsor needs no order
        return links
    strategy: OrderStrategy | None = terms.order_strategy
    if strategy in SET_BY_HAND:
        if account.order is not None:
            return _by_hand(links, account.order)
        if terms.order_missing is not OrderMissing.FALLBACK:
            return None
        strategy = terms.order_fallback
    assert strategy is not None, "an edition without a fallback is never published"
    return tuple(sorted(links, key=_key(strategy, terms, account, region_of, balance_of)))


def _by_hand(
    links: tuple[SponsorLink, ...], order: tuple[StreamId, ...]
) -> tuple[SponsorLink, ...]:
    """The named sponsors as named, then the others by age (S40)."""
    rank = {binding: at for at, binding in enumerate(order)}
    last = len(order)
    return tuple(sorted(links, key=lambda s: (rank.get(s.binding, last), s.linked_at, s.binding)))


def _key(
    strategy: OrderStrategy,
    terms: OrderTerms,
    account: Account,
    region_of: Callable[[StreamId], str],
    balance_of: Callable[[StreamId], int],
) -> Callable[[SponsorLink], tuple[int | str, ...]]:
    tie = _tie(terms, account)
    match strategy:
        case OrderStrategy.BIND_TIME_DESC:
            return lambda s: (-_age(s), *tie(s))
        case OrderStrategy.BALANCE_DESC:
            return lambda s: (-balance_of(s.sponsor), *tie(s))
        case OrderStrategy.SAME_REGION_FIRST:
            then = terms.order_then or OrderStrategy.BIND_TIME_ASC
            follow = _key(then, terms, account, region_of, balance_of)
            return lambda s: (region_of(s.sponsor) != account.region, *follow(s))
        case _:
            return lambda s: (_age(s), *tie(s))


def _tie(terms: OrderTerms, account: Account) -> Callable[[SponsorLink], tuple[int | str, ...]]:
    """What puts sponsors in order whom the strategy leaves equal (`tie_break`).

    A sponsor bound before the region broke ties by name comes after those whose names are in order.
    """
    if terms.tie_break is TieBreak.BINDING_ID:
        return lambda s: (s.binding,)
    place = {binding: at for at, binding in enumerate(account.by_name)}
    return lambda s: (place.get(s.binding, len(place)), s.binding)


def _age(link: SponsorLink) -> int:
    """When the sponsor was linked, in microseconds."""
    return (link.linked_at - EPOCH) // timedelta(microseconds=1)
