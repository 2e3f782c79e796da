"""Statements: what each event that moves money writes, without a database."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates.account import fold as rules
from aggregates.account.events import (
    AidReceived,
    Corrected,
    Credited,
    Debited,
    DebitReturned,
    PremiumDebited,
    PremiumReturned,
    ReturnSuspended,
    SuspensePaidOut,
    YearClosed,
)
from aggregates.account.state import Account
from aggregates.vocabulary import Bucket, StreamId
from projections.account.statement_entries import (
    NOTHING,
    READS,
    EntryKind,
    RunningBalance,
    StatementEntry,
    evolve,
)
from tests.projections.recorded_families import TODAY, Story, an_id, an_opening

ACCOUNT, BINDING, SETTLEMENT = an_id("acc", 1), an_id("bnd", 1), an_id("stl", 1)
PREMIUM, CORRECTION = StreamId(f"prm_{9:032x}"), StreamId(f"cor_{9:032x}")
TICKET = f"tkt_{9:032x}"

amounts = st.integers(0, 10**15)
bindings = st.sampled_from((None, BINDING))
movements = st.one_of(
    st.builds(Credited, bucket=st.sampled_from(Bucket), amount_fen=amounts, reference=st.none()),
    st.builds(AidReceived, settlement=st.just(SETTLEMENT), amount_fen=amounts, on=st.just(TODAY)),
    st.builds(
        Debited,
        settlement=st.just(SETTLEMENT),
        binding=bindings,
        current_fen=amounts,
        prior_fen=amounts,
        on=st.just(TODAY),
    ),
    st.builds(
        DebitReturned,
        settlement=st.just(SETTLEMENT),
        binding=bindings,
        current_fen=amounts,
        prior_fen=amounts,
        on=st.just(TODAY),
        returned_on=st.just(TODAY),
    ),
    st.builds(YearClosed, year=st.integers(2025, 2099), carried_fen=amounts),
    st.builds(
        Corrected,
        correction=st.just(CORRECTION),
        bucket=st.sampled_from(Bucket),
        amount_fen=st.integers(-(10**15), 10**15),
    ),
    st.builds(
        ReturnSuspended,
        payment=st.sampled_from((SETTLEMENT, PREMIUM)),
        binding=bindings,
        ticket=st.just(TICKET),
        amount_fen=amounts,
        on=st.just(TODAY),
        returned_on=st.just(TODAY),
    ),
    st.builds(SuspensePaidOut, ticket=st.just(TICKET), amount_fen=amounts, reference=st.text()),
    *(
        st.builds(
            paid,
            premium=st.just(PREMIUM),
            binding=st.just(BINDING),
            current_fen=amounts,
            prior_fen=amounts,
        )
        for paid in (PremiumDebited, PremiumReturned)
    ),
)
MOVES = (
    YearClosed(year=2026, carried_fen=7000),
    Corrected(correction=CORRECTION, bucket=Bucket.PRIOR, amount_fen=-1200),
    PremiumDebited(premium=PREMIUM, binding=BINDING, current_fen=5000, prior_fen=25),
    PremiumReturned(premium=PREMIUM, binding=BINDING, current_fen=5000, prior_fen=25),
)


def statement(story: Story) -> list[StatementEntry]:
    entries: list[StatementEntry] = []
    balance = NOTHING
    for fact in story.facts():
        entry = evolve(balance, fact)
        if entry is not None:
            entries.append(entry)
            balance = entry.balance
    return entries


@given(st.lists(movements, max_size=20))
def test_the_running_balance_is_the_account_s(moved: list[rules.AccountEvent]) -> None:
    """After every entry the balance is what the account's own fold says it is."""
    story = Story()
    story.tell(ACCOUNT, an_opening(), *moved)
    account: Account | None = None
    balances: list[RunningBalance] = []
    for fact in story.facts():
        account = rules.evolve(account, fact.event)  # type: ignore[arg-type]
        if isinstance(fact.event, READS):
            balances.append(RunningBalance(account.current_fen, account.prior_fen))

    entries = statement(story)

    assert balances == [entry.balance for entry in entries]
    assert sum(balances[-1]) == sum(e.amount_fen for e in entries) if entries else not balances


@pytest.mark.parametrize(
    ("event", "kind", "parts", "reference"),
    [
        (MOVES[0], EntryKind.YEAR_CLOSED, (-7000, 7000), "2026"),
        (MOVES[1], EntryKind.CORRECTED, (0, -1200), CORRECTION),
        (MOVES[2], EntryKind.PREMIUM_DEBITED, (-5000, -25), PREMIUM),
        (MOVES[3], EntryKind.PREMIUM_RETURNED, (5000, 25), PREMIUM),
    ],
)
def test_money_beside_bills_is_an_entry_too(
    event: rules.AccountEvent, kind: EntryKind, parts: tuple[int, int], reference: str
) -> None:
    """A year's turn, a correction and a premium move the buckets, and name what they come from."""
    story = Story()
    opened = Credited(bucket=Bucket.CURRENT, amount_fen=7000, reference=None)
    story.tell(ACCOUNT, opened, event)

    entry = statement(story)[-1]

    assert (kind, parts) == (entry.kind, (entry.current_fen, entry.prior_fen))
    assert (None, reference) == (entry.settlement, entry.reference)
    assert 0 == entry.aside_fen


def test_money_kept_aside_is_shown_and_no_balance() -> None:
    """What could not be credited is an entry of nothing with its ticket, until it is paid out."""
    story = Story()
    kept = ReturnSuspended(
        payment=SETTLEMENT,
        binding=BINDING,
        ticket=TICKET,
        amount_fen=6000,
        on=TODAY,
        returned_on=TODAY,
    )
    story.tell(ACCOUNT, kept, SuspensePaidOut(ticket=TICKET, amount_fen=6000, reference="Li Hua"))

    set_aside, paid_out = statement(story)

    assert [EntryKind.SET_ASIDE, EntryKind.PAID_OUT] == [set_aside.kind, paid_out.kind]
    assert [(0, 6000), (0, -6000)] == [(e.amount_fen, e.aside_fen) for e in (set_aside, paid_out)]
    assert (SETTLEMENT, BINDING, TICKET) == (
        set_aside.settlement,
        set_aside.binding,
        set_aside.reference,
    )
    assert (NOTHING, TICKET) == (paid_out.balance, paid_out.reference)


def test_a_debit_for_another_names_the_binding() -> None:
    """What a sponsor lent is a negative amount under the binding and the settlement."""
    story = Story()
    lent = Debited(settlement=SETTLEMENT, binding=BINDING, current_fen=300, prior_fen=25, on=TODAY)
    story.tell(ACCOUNT, lent)

    (entry,) = statement(story)

    assert (EntryKind.DEBITED, -325) == (entry.kind, entry.amount_fen)
    assert (SETTLEMENT, BINDING) == (entry.settlement, entry.binding)


def test_aid_received_is_no_entry() -> None:
    """Aid moves the sponsor's money, not the patient's: his statement does not show it."""
    story = Story()
    story.tell(ACCOUNT, AidReceived(settlement=SETTLEMENT, amount_fen=100, on=TODAY))

    assert [] == statement(story)
