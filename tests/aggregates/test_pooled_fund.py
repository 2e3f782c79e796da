"""The stand-in for the pooled fund: every fen is the fund's or in one line of the claim."""

from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from aggregates.pooled_fund import Cover, PricedCode, share
from aggregates.visit import Fee
from aggregates.vocabulary import BEIJING, Category, Part

AT = datetime(2026, 3, 2, tzinfo=BEIJING)
CATALOGUE = (
    PricedCode("", Category.OTHER, "3", 1000),
    PricedCode("X", Category.DRUG, "1", 0),
    PricedCode("XB", Category.DRUG, "2", 100),
    PricedCode("C", Category.CONSUMABLE, "2", 155),
)

fees = st.lists(
    st.builds(
        Fee,
        line=st.text(max_size=3),
        batch=st.just("1"),
        code=st.sampled_from(("XA", "XB1", "C1", "Q", "")),
        amount_fen=st.integers(0, 10**7),
        count=st.just("1"),
        price=st.just("1"),
        occurred_at=st.just(AT),
    ),
    max_size=8,
)
covers = st.builds(Cover, st.integers(0, 10**6), st.integers(0, 1000), st.integers(0, 10**7))


@given(fees, covers)
def test_every_fen_is_in_one_place(sent: list[Fee], cover: Cover) -> None:
    """Fund and lines are the whole; no line is empty or negative; the ceiling is kept."""
    split = share(sent, CATALOGUE, cover)

    assert sum(fee.amount_fen for fee in sent) == split.total_fen
    assert split.total_fen == split.fund_fen + sum(line.amount_fen for line in split.lines)
    assert 0 <= split.fund_fen <= cover.ceiling_fen
    assert all(line.amount_fen > 0 for line in split.lines)
    assert len({line.line for line in split.lines}) == len(split.lines)


@given(fees, covers)
def test_the_start_line_is_one_line_s_worth(sent: list[Fee], cover: Cover) -> None:
    """The amount below the start line is in scope, at most the start line, and its own line."""
    split = share(sent, CATALOGUE, cover)
    below = [line for line in split.lines if line.line.endswith(".start")]

    assert sum(line.amount_fen for line in below) == split.start_fen <= cover.start_fen
    assert all(line.part is Part.IN_SCOPE for line in below)


def test_the_longest_prefix_decides() -> None:
    """XB1 is priced as XB, not as X; a code that is not listed is paid by the patient."""
    sent = [
        Fee(line=code, batch="1", code=code, amount_fen=1000, count="1", price="1", occurred_at=AT)
        for code in ("XA", "XB1", "Q")
    ]
    split = share(sent, CATALOGUE, Cover(100, 500, 10**6))

    assert (3000, 900, 100) == (split.total_fen, split.fund_fen, split.start_fen)
    assert {
        "drug.start": 100,
        "drug.in_scope": 900,
        "drug.pre_self_pay": 100,
        "other.full_self_pay": 1000,
    } == {line.line: line.amount_fen for line in split.lines}
