"""Statements: what each event that moves money writes, without a database."""

from hypothesis import given
from hypothesis import strategies as st

from aggregates import account as rules
from aggregates.account_state import Account
from aggregates.events import AidReceived, Credited, Debited, DebitReturned
from aggregates.vocabulary import Bucket
from projections.entries import NOTHING, READS, Balance, Entry, EntryKind, evolve
from tests.projections.lives import TODAY, Story, an_id, an_opening

ACCOUNT, BINDING, SETTLEMENT = an_id("acc", 1), an_id("bnd", 1), an_id("stl", 1)

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
)


def statement(story: Story) -> list[Entry]:
    entries: list[Entry] = []
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
    balances: list[Balance] = []
    for fact in story.facts():
        account = rules.evolve(account, fact.event)  # type: ignore[arg-type]
        if isinstance(fact.event, READS):
            balances.append(Balance(account.current_fen, account.prior_fen))

    entries = statement(story)

    assert balances == [entry.balance for entry in entries]
    assert sum(balances[-1]) == sum(e.amount_fen for e in entries) if entries else not balances


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
