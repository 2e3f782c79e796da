"""Account events whose uninteresting fields have defaults."""

from datetime import date

from aggregates.account.events import AccountOpened, Credited, Debited, DebitReturned
from aggregates.vocabulary import Bucket, Insurance, InsuranceStatus, StreamId

TODAY = date(2026, 3, 2)
STL = StreamId("stl_1")


def opened(insurance: Insurance = Insurance.EMPLOYEE) -> AccountOpened:
    return AccountOpened(
        region="990000",
        insurance=insurance,
        standing=InsuranceStatus.NORMAL,
        flags=(),
        on=TODAY,
        sealed="",
    )


def credited(fen: int, bucket: Bucket = Bucket.CURRENT) -> Credited:
    return Credited(bucket=bucket, amount_fen=fen, reference=None)


def debited(
    current_fen: int, prior_fen: int = 0, binding: StreamId | None = None, on: date = TODAY
) -> Debited:
    return Debited(
        settlement=STL, binding=binding, current_fen=current_fen, prior_fen=prior_fen, on=on
    )


def returned(debit: Debited, on: date = TODAY) -> DebitReturned:
    return DebitReturned(
        settlement=debit.settlement,
        binding=debit.binding,
        current_fen=debit.current_fen,
        prior_fen=debit.prior_fen,
        on=debit.on,
        returned_on=on,
    )
