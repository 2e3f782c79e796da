"""A claim whose other members have defaults."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aggregates.settlement.events import READING, Claim, FeeLine
from aggregates.vocabulary import Category, Part, StreamId

PATIENT = StreamId("acc_patient")


def a_claim(total_fen: int = 0, **changes: Any) -> Claim:  # noqa: ANN401 -- any member
    claim = Claim(
        beneficiary=PATIENT,
        institution=StreamId("ins_1"),
        visit="v",
        charge_batch="1",
        med_type="11",
        treated_at=datetime(2026, 3, 2, 2, 0, tzinfo=UTC),
        total_fen=total_fen,
        fund_pay_fen=0,
        use_account=True,
        lines=None,
        credential=None,
        reading=READING,
    )
    return replace(claim, **changes)


def a_line(
    amount_fen: int, category: Category = Category.DRUG, part: Part = Part.IN_SCOPE
) -> FeeLine:
    return FeeLine(line="1", category=category, part=part, amount_fen=amount_fen)
