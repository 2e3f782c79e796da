"""Invariants of every history of an account."""

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from aggregates.account.events import BeneficiaryLinked, Credited, Debited
from aggregates.account.fold import evolve
from aggregates.vocabulary import Bucket, Relation, StreamId
from tests.aggregates.account.account_events import credited, debited, opened, returned
from tests.given_when_then import fold

BINDING, OTHER = StreamId("bnd_1"), StreamId("bnd_2")
LENDS = BeneficiaryLinked(
    binding=BINDING, beneficiary=StreamId("acc_child"), relation=Relation.CHILD, parent=None
)

days = st.dates(date(2025, 12, 30), date(2026, 2, 2))
amounts = st.integers(0, 5_000)
debits = st.builds(debited, amounts, amounts, st.sampled_from([None, BINDING, OTHER]), days)
moves = st.lists(st.builds(credited, amounts, st.sampled_from(Bucket)) | debits, max_size=12)


def change_of(event: Credited | Debited) -> int:
    if isinstance(event, Credited):
        return event.amount_fen
    return -event.current_fen - event.prior_fen


@given(moves)
def test_the_balance_is_the_sum_of_what_moved(events: list[Credited | Debited]) -> None:
    """The sum of the amounts is the change of the balance, in any order (I9)."""
    assert sum(map(change_of, events)) == fold(evolve, opened(), LENDS, *events).balance_fen


@given(moves, debits)
def test_a_return_undoes_its_debit(events: list[Credited | Debited], debit: Debited) -> None:
    """Both buckets and the sums of the newest day's periods are as before."""
    seen = debited(0, 0, BINDING, debit.on)
    before = fold(evolve, opened(), LENDS, *events, seen)
    if debit.binding is None:
        before = fold(evolve, opened(), LENDS, *events)

    assert before == evolve(evolve(before, debit), returned(debit))
