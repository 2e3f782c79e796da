"""A settlement's debits, and their full return (policy.md §3.4)."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aggregates.account.cap_usage import counted_on
from aggregates.account.events import AidReceived, AidReturned, Debited, DebitReturned
from aggregates.account.fold import evolve as evolve_account
from aggregates.account.state import Account
from aggregates.refusals import AlreadyCancelledError, UnknownError
from aggregates.settlement.cascade import Split
from aggregates.settlement.events import PayerShare, Settled, SettlementCancelled, SettlementRefused
from aggregates.settlement.returns import RefundBasis, ReturnEvent, full_return, returns_of
from aggregates.settlement.settlement import cancel, debits_of, evolve, reasons_of
from aggregates.vocabulary import Instant, Reason, SettlementStatus, StreamId
from tests.aggregates.binding.grants import an_account
from tests.aggregates.settlement.bills import PATIENT, a_claim
from tests.aggregates.settlement.families import NOW, P0, SHIPPED, Told, tellings
from tests.given_when_then import fold
from tests.given_when_then import given as given_that

STL = StreamId("stl_1")
S1, S2 = StreamId("acc_1"), StreamId("acc_2")
CANCELLED = SettlementCancelled(reason="told")


def a_share(
    account: StreamId | None, current_fen: int, prior_fen: int = 0, reason: Reason | None = None
) -> PayerShare:
    return PayerShare(
        account=account,
        binding=None if account in {PATIENT, None} else StreamId(f"bnd_{account}"),
        available_fen=99_999,
        limit_fen=None,
        limit=None,
        current_fen=current_fen,
        prior_fen=prior_fen,
        reason=reason,
    )


def settled(*payers: PayerShare, cash_fen: int = 0) -> Settled:
    own_fen = payers[0].current_fen + payers[0].prior_fen
    aid_fen = sum(share.current_fen + share.prior_fen for share in payers[1:])
    return Settled(
        claim=a_claim(own_fen + aid_fen + cash_fen),
        place_region="990000",
        editions={},
        read={},
        payers=payers,
        reasons=(),
        own_fen=own_fen,
        aid_fen=aid_fen,
        cash_fen=cash_fen,
        own_after_fen=0,
        changed=False,
        hold=None,
        settled_at=NOW.at,
        on=NOW.on,
    )


FAMILY_PAID = settled(
    a_share(PATIENT, 20, 30), a_share(S1, 0, 0, Reason.FROZEN), a_share(S2, 130, 5), cash_fen=1
)


def test_each_payer_is_debited_once_and_the_aid_is_noted() -> None:
    """One debit per payer who paid, from the buckets and under the binding."""
    assert [
        (PATIENT, Debited(settlement=STL, binding=None, current_fen=20, prior_fen=30, on=NOW.on)),
        (
            S2,
            Debited(
                settlement=STL,
                binding=StreamId("bnd_acc_2"),
                current_fen=130,
                prior_fen=5,
                on=NOW.on,
            ),
        ),
        (PATIENT, AidReceived(settlement=STL, amount_fen=135, on=NOW.on)),
    ] == debits_of(STL, FAMILY_PAID)


@pytest.mark.parametrize(
    "payers",
    [
        (a_share(None, 0, 0, Reason.NO_ACCOUNT),),
        (a_share(PATIENT, 0, 0, Reason.NOT_NEEDED), a_share(S1, 0, 0, Reason.NOT_NEEDED)),
    ],
)
def test_where_nobody_gives_nothing_is_debited(payers: tuple[PayerShare, ...]) -> None:
    """A payer of nothing has no debit, and no aid is counted (S12)."""
    assert [] == debits_of(STL, settled(*payers))


def returns(event: Settled, now: Instant = NOW) -> list[tuple[StreamId, ReturnEvent]]:
    """A full return, to accounts that did not change since."""
    stay = fold(evolve, event).stay
    assert stay is not None
    payers = full_return(stay)
    accounts = {payer.account: an_account() for payer in payers}
    return returns_of(RefundBasis(STL, event, P0.refund), payers, accounts, "tkt_1", now)


def test_everything_goes_back_where_it_came_from() -> None:
    """A cancellation depends on no rule: same accounts, buckets, bindings and counted day."""
    later = NOW._replace(on=NOW.on.replace(month=12))
    moved = returns(FAMILY_PAID, later)

    returned = [event for _, event in moved if isinstance(event, DebitReturned)]
    assert [PATIENT, S2, PATIENT] == [account for account, _ in moved]
    assert [(20, 30), (130, 5)] == [(r.current_fen, r.prior_fen) for r in returned]
    assert {(NOW.on, later.on)} == {(r.on, r.returned_on) for r in returned}
    assert AidReturned(settlement=STL, amount_fen=135, on=NOW.on) == moved[-1][1]


def test_a_settlement_is_cancelled_once() -> None:
    """The second cancellation is refused, and one of nothing settled."""
    refused = SettlementRefused(claim=a_claim(5), code="DUPLICATE_CLAIM")

    given_that(evolve, FAMILY_PAID).when(lambda s: cancel(s, "told")).then(CANCELLED)
    given_that(evolve, FAMILY_PAID, CANCELLED).when(lambda s: cancel(s, "told")).then_refused(
        AlreadyCancelledError
    )
    given_that(evolve, refused).when(lambda s: cancel(s, "told")).then_refused(UnknownError)


def test_a_cancelled_settlement_keeps_what_it_said() -> None:
    """Only its status changes, and nothing is left of it."""
    before, after = fold(evolve, FAMILY_PAID), fold(evolve, FAMILY_PAID, CANCELLED)

    assert replace(before, status=SettlementStatus.CANCELLED, stay=None) == after


@pytest.mark.parametrize(
    ("cash_fen", "reasons", "expected"),
    [
        (5, [Reason.REGION_NOT_OPEN, Reason.REGION_NOT_OPEN], (Reason.REGION_NOT_OPEN,)),
        (
            5,
            [Reason.REGION_NOT_OPEN, Reason.FILING_REQUIRED],
            (Reason.FILING_REQUIRED, Reason.REGION_NOT_OPEN),
        ),
        (5, [Reason.SKIPPED_ZERO, Reason.CAP], ()),
        (0, [Reason.REGION_NOT_OPEN], ()),
    ],
)
def test_a_counter_is_told_why_there_is_cash(
    cash_fen: int, reasons: list[Reason], expected: tuple[Reason, ...]
) -> None:
    """The reasons that stopped aid as a whole are given once each, and only if cash is left."""
    payers = (a_share(PATIENT, 0, 0, Reason.SKIPPED_ZERO), *(a_share(S1, 0, 0, r) for r in reasons))

    assert expected == reasons_of(Split(payers, 0, 0, cash_fen))


Accounts = Mapping[StreamId, Account]


def moved(accounts: Accounts, events: list[tuple[StreamId, object]]) -> Accounts:
    after = dict(accounts)
    for account_id, event in events:
        after[account_id] = evolve_account(after[account_id], event)  # type: ignore[arg-type]
    return after


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*SHIPPED, None]).flatmap(tellings))
def test_what_is_settled_and_cancelled_leaves_no_trace(told: Told) -> None:
    """Balances, buckets and today's counters are as before, and debits are the payers' sum (I9)."""
    family = told.family
    event = replace(
        settled(*told.split.payers),
        own_fen=told.split.own_fen,
        aid_fen=told.split.aid_fen,
        claim=told.claim,
    )
    before = {PATIENT: family.account, **{s: v.account for s, v in family.sponsors.items()}}
    paid = moved(before, list(debits_of(STL, event)))
    back = moved(paid, list(returns(event)))

    left = sum(a.balance_fen for a in before.values()) - sum(a.balance_fen for a in paid.values())
    assert told.split.own_fen + told.split.aid_fen == left
    assert {who: as_today(account) for who, account in before.items()} == {
        who: as_today(account) for who, account in back.items()
    }


def as_today(account: Account) -> Account:
    """An account with its counters as they count today."""
    return account._replace(
        lent=counted_on(account.lent, NOW.on),
        received=counted_on(account.received, NOW.on),
        beneficiaries=tuple(
            link._replace(used=counted_on(link.used, NOW.on)) for link in account.beneficiaries
        ),
    )
