"""The rows of a decision: its events, and the keys that it uses."""

from collections.abc import Callable, Iterator, Sequence
from itertools import takewhile

from msgspec import json

from aggregates.account.reserved import assert_sound
from aggregates.account.state import Account
from aggregates.account.year_close import YearDay, turning
from aggregates.pool.pool import Pool, assert_pool_sound
from aggregates.refusals import RefusalError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.codec import EventRow, encode
from service.ledger.command import ANY_BODY, Command, Decision
from service.ledger.overlay import Overlay
from service.ledger.store import KeyRow

DaysOf = Callable[[str], Sequence[YearDay]]


def rows_of(
    overlay: Overlay, decision: Decision, act: bytes, now: Instant, days_of: DaysOf
) -> list[EventRow]:
    """The event rows of a decision; those that turn an account's year precede its first event.

    `days_of` answers on which days an area's insurance year begins.

    Raises:
        UnreadError: an area's editions are not loaded;
        AssertionError: the decision spends money that an account or pool does not have.
    """
    rows: list[EventRow] = []
    accounts: dict[StreamId, Account] = {}
    pools: dict[StreamId, Pool] = {}
    for stream, event in decision.events:
        if stream.startswith("acc_"):
            turns = _turning(overlay, stream, now, days_of)
            rows += _turn_first(overlay, (stream, event), act, turns)
        head = overlay.apply(stream, event)
        if isinstance(head.state, Account):
            accounts[stream] = head.state
        elif isinstance(head.state, Pool):
            pools[stream] = head.state
        rows.append(encode(stream, head.version, event, act))
    for account in accounts.values():
        assert_sound(account, now)
    for pool in pools.values():
        assert_pool_sound(pool, now)
    return rows


def _turn_first(
    overlay: Overlay, moved: tuple[StreamId, Event], act: bytes, turns: Sequence[Event]
) -> Iterator[EventRow]:
    """The rows before an event, unless it is such an event itself: those of the year close."""
    stream, event = moved
    for turn in takewhile(lambda turn: turn != event, turns):
        yield encode(stream, overlay.apply(stream, turn).version, turn, act)


def _turning(overlay: Overlay, stream: StreamId, now: Instant, days_of: DaysOf) -> Sequence[Event]:
    head = overlay.known_head(stream)
    if head is None or not isinstance(head.state, Account):
        return ()
    return turning(head.state, now, days_of(head.state.region))


def key_rows(command: Command, decision: Decision, offset: int) -> list[KeyRow]:
    """The key that a command uses, and that of its tombstone."""
    caller, key = command.caller, command.key
    assert key is not None
    used = (decision.subject, decision.refusal, decision.answer, offset)
    rows = [KeyRow(caller, key, command.digest, *used)]
    if (buried := decision.tombstone) is not None:
        rows.append(KeyRow(caller, buried.key, ANY_BODY, *buried[1:], offset))
    return rows


def refused(refusal: RefusalError) -> Decision:
    """The decision of a refusal that uses the key and moves nothing."""
    return Decision(answer=json.encode(refusal.fields), refusal=refusal.code())
