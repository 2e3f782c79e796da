"""Logs warnings and errors of a process without values of rows.

PostgreSQL explains an error with a DETAIL that quotes the row. It may have personal data, which
must not go to a log or a terminal.
"""

import logging
import sys
from collections.abc import Iterator
from types import TracebackType

import asyncpg
from typing_extensions import override

FORMAT = "%(asctime)s %(levelname)s %(message)s"


def set_up_logging() -> None:
    """Log to standard error, without DETAILs in log lines and uncaught errors."""
    logging.basicConfig(level=logging.WARNING, format=FORMAT)
    for handler in logging.getLogger().handlers:
        handler.addFilter(WithoutDetail())
    sys.excepthook = _print_uncaught


class WithoutDetail(logging.Filter):
    """Removes the DETAIL of database errors in log records; all records pass."""

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        """Remove it from the record's error, and from errors among its arguments."""
        arguments = record.args if isinstance(record.args, tuple) else ()
        error = record.exc_info[1] if record.exc_info else None
        for value in (error, *arguments):
            if isinstance(value, BaseException):
                take_off_detail(value)
        return True


def take_off_detail(error: BaseException) -> None:
    """Remove the DETAIL of a database error and of its causes."""
    for each in _chain(error):
        if isinstance(each, asyncpg.PostgresError):
            each.detail = None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An error, its causes and contexts, and the members of groups; each once."""
    chain: dict[int, BaseException] = {}
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in chain:
            continue
        chain[id(each)] = each
        waiting += [each.__cause__, each.__context__]
        if isinstance(each, BaseExceptionGroup):
            waiting += each.exceptions
    yield from chain.values()


def _print_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    take_off_detail(error)
    sys.__excepthook__(kind, error, trace)
