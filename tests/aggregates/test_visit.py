"""A visit's rules: fee lines change until there is a bill, and nothing follows its end."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregates import visit as rules
from aggregates.visit import (
    BatchSettledError,
    Diagnosis,
    Fee,
    FeeRepeatedError,
    FeesMissingError,
    Visit,
    VisitClosedError,
    VisitDescribed,
    VisitNotClosedError,
    VisitRegistered,
    evolve,
)
from aggregates.vocabulary import BEIJING, Setting, StreamId, VisitEnd

AT = datetime(2026, 3, 2, 10, 15, tzinfo=BEIJING)
NOTHING: frozenset[str] = frozenset()


def a_fee(line: str, batch: str = "1", fen: int = 1000) -> Fee:
    return Fee(
        line=line, batch=batch, code="X", amount_fen=fen, count="1", price="10", occurred_at=AT
    )


def a_visit(*fees: Fee, setting: Setting = Setting.OUTPATIENT) -> Visit:
    came = VisitRegistered(
        institution=StreamId("ins_1"),
        beneficiary=StreamId("acc_1"),
        setting=setting,
        number="OP1",
        department="",
        med_type=None,
        began_at=AT,
    )
    visit = evolve(None, came)
    return evolve(visit, rules.upload(visit, fees, NOTHING)) if fees else visit


lines = st.lists(st.integers(0, 99).map(str), unique=True, max_size=12)


@given(lines, st.data())
def test_what_is_withdrawn_is_gone_and_nothing_else(
    numbers: list[str], data: st.DataObject
) -> None:
    """After uploads and withdrawals the other lines remain, in their order."""
    visit = a_visit(*(a_fee(number) for number in numbers))
    gone = data.draw(st.lists(st.sampled_from(numbers), unique=True) if numbers else st.just([]))
    if gone:
        visit = evolve(visit, rules.withdraw(visit, "1", gone, NOTHING))

    assert [n for n in numbers if n not in gone] == [fee.line for fee in visit.fees]


def test_a_line_comes_once() -> None:
    """The same number again, in one upload or in two, is refused."""
    visit = a_visit(a_fee("1"))
    for again in ([a_fee("1")], [a_fee("2"), a_fee("2")]):
        with pytest.raises(FeeRepeatedError):
            rules.upload(visit, again, NOTHING)


def test_a_settled_batch_stands() -> None:
    """No line is added to it or withdrawn from it; every other batch can be withdrawn."""
    visit = a_visit(a_fee("1", "1"), a_fee("2", "2"))
    settled = frozenset({"1"})
    with pytest.raises(BatchSettledError):
        rules.upload(visit, [a_fee("3", "1")], settled)
    with pytest.raises(BatchSettledError):
        rules.withdraw(visit, "1", (), settled)
    with pytest.raises(BatchSettledError):
        rules.close(visit, VisitEnd.WITHDRAWN, AT, settled)

    assert ("2",) == rules.withdraw(visit, rules.ALL_BATCHES, (), settled).lines


def test_there_must_be_something_to_withdraw() -> None:
    """An unknown batch or line is refused."""
    visit = a_visit(a_fee("1"))
    for batch, wanted in (("9", ()), ("1", ("9",))):
        with pytest.raises(FeesMissingError):
            rules.withdraw(visit, batch, wanted, NOTHING)


def test_an_end_is_an_end_until_it_is_taken_back() -> None:
    """After a discharge nothing is uploaded; it can be undone, a withdrawal cannot."""
    stay = a_visit(setting=Setting.INPATIENT)
    with pytest.raises(VisitNotClosedError):
        rules.reopen(stay, AT, NOTHING)
    home = evolve(stay, rules.close(stay, VisitEnd.DISCHARGED, AT, frozenset({"0"})))
    with pytest.raises(VisitClosedError):
        rules.upload(home, [a_fee("1")], NOTHING)
    with pytest.raises(BatchSettledError):
        rules.reopen(home, AT, frozenset({"0"}))
    assert stay == evolve(home, rules.reopen(home, AT, NOTHING))
    withdrawn = evolve(stay, rules.close(stay, VisitEnd.WITHDRAWN, AT, NOTHING))
    with pytest.raises(VisitNotClosedError):
        rules.reopen(withdrawn, AT, NOTHING)


def test_the_newest_description_holds() -> None:
    """Diagnoses are replaced; the kind of treatment stays where none is given."""
    told = (Diagnosis(rank="1", code="J06", name="感染"),)
    visit = evolve(a_visit(), VisitDescribed(med_type="14", diagnoses=told))
    visit = evolve(visit, VisitDescribed(med_type=None, diagnoses=()))

    assert ("14", ()) == (visit.med_type, visit.diagnoses)
