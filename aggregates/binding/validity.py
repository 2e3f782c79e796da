"""The period of a grant: as offered, or the region's default, within its maximum."""

from calendar import monthrange
from datetime import MAXYEAR, date, timedelta

from aggregates.policy.edition import BindingTerms
from aggregates.refusals import DateInvalidError
from aggregates.vocabulary import Instant


def months_later(on: date, months: int) -> date:
    """The same day some months later; at most the month's last day, and `date.max`."""
    year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
    if year > MAXYEAR:
        return date.max
    return date(year, month + 1, min(on.day, monthrange(year, month + 1)[1]))


SATURDAY = 5


def working_days_later(on: date, days: int) -> date:
    """The last of so many working days after a day: Monday to Friday, public holidays included."""
    while days > 0:
        on += timedelta(days=1)
        days -= on.weekday() < SATURDAY
    return on


def last_day_of(
    offered: date | None, valid_from: date, terms: BindingTerms, now: Instant
) -> date | None:
    """The last day of a grant (`binding_default_months`, `binding_max_months`); None: no end.

    Raises:
        DateInvalidError: before its first day or today, or later than the region allows.
    """
    last = offered
    if last is None and terms.binding_default_months is not None:
        last = _day_before(valid_from, terms.binding_default_months)
    if last is not None and last < max(valid_from, now.on):
        raise DateInvalidError(field="valid_until")
    if terms.binding_max_months is not None:
        furthest = _day_before(valid_from, terms.binding_max_months)
        if last is not None and last > furthest:
            raise DateInvalidError(field="valid_until")
        last = last or furthest
    return last


def _day_before(on: date, months: int) -> date:
    return months_later(on, months) - timedelta(days=1)
