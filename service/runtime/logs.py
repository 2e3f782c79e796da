"""What goes to the log of a process: warnings and worse, without what rows hold.

PostgreSQL explains a refusal with a DETAIL that quotes the row: persons' data, which belongs into
no log and no trace on a terminal.
"""

import logging
import sys
from collections.abc import Iterator
from types import TracebackType

import asyncpg
from typing_extensions import override

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def set_up_logging() -> None:
    """Log to standard error, and let neither a log line nor a last trace quote a row."""
    logging.basicConfig(level=logging.WARNING, format=FORMAT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(WithoutDetail())
    sys.excepthook = _last_words


class WithoutDetail(logging.Filter):
    """Takes the DETAIL off every database error in a log record; all records pass."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Take it off the record's error, and off errors among its arguments."""
        told = record.args if isinstance(record.args, tuple) else ()
        error = record.exc_info[1] if record.exc_info else None
        for one in (error, *told):
            if isinstance(one, BaseException):
                take_off_detail(one)
        return True


def take_off_detail(error: BaseException) -> None:
    """Take the DETAIL off an error of the database and off all that it came from."""
    for one in _chain(error):
        if isinstance(one, asyncpg.PostgresError):
            one.detail = None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes and contexts, and the members of groups; each once."""
    seen: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen[id(one)] = one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
    yield from seen.values()


def _last_words(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    take_off_detail(error)
    sys.__excepthook__(kind, error, trace)
