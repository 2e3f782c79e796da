"""The log through the library: one order, no gaps, and nobody skips."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    Notification,
    OperationalError,
    PersistenceError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)

from aggregates.account.events import Credited
from aggregates.topics import TOPICS
from service.ledger.eventsourcing.blocking import LedgerLoop
from service.ledger.eventsourcing.recorder import LedgerRecorder

PATIENCE_S = 20.0
A_WHILE_S = 0.4
EVERYTHING = 10_000


def an_event(stream: int, version: int = 1, topic: str = "topic") -> StoredEvent:
    return StoredEvent(UUID(int=stream), version, topic, b"state")


def positions(recorder: LedgerRecorder) -> list[int]:
    return [n.id for n in recorder.select_notifications(None, EVERYTHING)]


def eventually(question: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not question():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (an_event(1), IntegrityError),
        (an_event(2, version=2**31), DataError),
        (an_event(2, version=-1), IntegrityError),
        (an_event(2, topic="a\0b"), DataError),
        (StoredEvent("nobody", 1, "topic", b"state"), DataError),
        (an_event(2, topic=TOPICS[Credited]), ProgrammingError),
    ],
)
def test_an_append_that_fails_leaves_no_gap(
    recorder: LedgerRecorder, wrong: StoredEvent, error: type[PersistenceError]
) -> None:
    """What stands around a wrong event is not stored, and its positions are given to others."""
    recorder.insert_events([an_event(1)])
    with pytest.raises(error):
        recorder.insert_events([an_event(3, topic="new"), wrong, an_event(4)])

    assert [2, 3] == recorder.insert_events([an_event(5, topic="newer"), an_event(6)])
    assert [1, 2, 3] == positions(recorder)
    assert [] == recorder.select_events(UUID(int=3))


def test_a_position_that_is_not_ahead_takes_its_events_with_it(recorder: LedgerRecorder) -> None:
    """Events of a process whose tracking is refused are not in the log."""
    recorder.insert_events([an_event(1)], tracking=Tracking("upstream", 5))
    with pytest.raises(IntegrityError):
        recorder.insert_events([an_event(2)], tracking=Tracking("upstream", 5))

    assert [2] == recorder.insert_events([an_event(3)], tracking=Tracking("upstream", 6), word="?")
    assert [1, 2] == positions(recorder)


def test_cut_connections_are_replaced(recorder: LedgerRecorder, dsn: str) -> None:
    """After the server ended its connections reads and appends go on."""
    recorder.insert_events([an_event(1)])
    with psycopg.connect(dsn) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'gongji-recorder' AND datname = current_database()"
        )

    assert 1 == recorder.max_notification_id()
    assert [2] == recorder.insert_events([an_event(2)])


def test_a_ledger_out_of_reach_is_an_operational_error() -> None:
    """Where no server listens nothing was applied, and the library's name says so."""
    ledger = LedgerLoop("postgresql://postgres@/postgres?host=/nowhere")
    with pytest.raises(OperationalError):
        LedgerRecorder(ledger, "").insert_events([an_event(1)])
    ledger.close()


@contextmanager
def an_append_of_another(dsn: str, event: StoredEvent) -> Iterator[None]:
    """Another connection's append, open inside and committed at the end."""
    with psycopg.connect(dsn) as other:
        other.execute("UPDATE log_head SET position = position + 1")
        other.execute(
            "INSERT INTO events SELECT position, 0, %s, NULL, 1, (SELECT min(id) FROM topics), ''"
            " FROM log_head",
            [event.originator_id],
        )
        yield


def test_no_follower_skips_what_is_not_committed_yet(recorder: LedgerRecorder, dsn: str) -> None:
    """While another's append is open nobody sees it or passes it; then all come in order."""
    recorder.insert_events([an_event(1)])
    seen: list[Notification] = []
    mine = threading.Thread(target=recorder.insert_events, args=([an_event(3)],))
    with recorder.subscribe() as subscription:
        following = threading.Thread(target=lambda: seen.extend(subscription))
        following.start()
        with an_append_of_another(dsn, an_event(2)):
            mine.start()
            time.sleep(A_WHILE_S)
            seen_during = [n.id for n in seen], positions(recorder), mine.is_alive()
        eventually(lambda: len(seen) == 3)
        subscription.stop()
        following.join()
    mine.join()

    assert ([1], [1], True) == seen_during
    assert [(1, UUID(int=1)), (2, UUID(int=2)), (3, UUID(int=3))] == [
        (n.id, n.originator_id) for n in seen
    ]
