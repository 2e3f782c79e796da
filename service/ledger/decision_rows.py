"""A decision on its way out: its events as rows, and the keys that it uses up."""

from msgspec import json

from aggregates.account.reserved import assert_sound
from aggregates.account.state import Account
from aggregates.account.year_close import closing
from aggregates.refusals import RefusalError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.codec import Row, encode
from service.ledger.command import ANY_BODY, Command, Decision
from service.ledger.overlay import Layer
from service.ledger.store import KeyRow


def rows_of(layer: Layer, decision: Decision, act: bytes, now: Instant) -> list[Row]:
    """A decision's events as rows; an account whose year is over is closed before, once.

    Raises:
        AssertionError: an account's money would not be there that the decision spends.
    """
    rows: list[Row] = []
    for stream, event in decision.events:
        closed = _closing(layer, stream, now)
        if closed is not None and closed != event:
            rows.append(_row(layer, stream, closed, act))
        rows.append(_row(layer, stream, event, act))
    for stream in {stream for stream, _ in decision.events}:
        if isinstance(account := layer.head(stream).state, Account):
            assert_sound(account, now)
    return rows


def _closing(layer: Layer, stream: StreamId, now: Instant) -> Event | None:
    head = layer.known_head(stream) if stream.startswith("acc_") else None
    return closing(head.state, now) if head and isinstance(head.state, Account) else None


def _row(layer: Layer, stream: StreamId, event: Event, act: bytes) -> Row:
    return encode(stream, layer.apply(stream, event).version, event, act)


def key_rows(command: Command, decision: Decision, offset: int) -> list[KeyRow]:
    """The key that a command uses up, and the one it buries."""
    caller, key, digest = command.caller, command.key, command.digest
    assert key is not None
    subject, refusal, answer = decision.subject, decision.refusal, decision.answer
    rows = [KeyRow(caller, key, digest, subject, refusal, answer, offset)]
    buried = decision.tombstone
    if buried is not None:
        rows.append(
            KeyRow(
                caller,
                buried.key,
                ANY_BODY,
                buried.stream,
                buried.refusal,
                buried.answer,
                offset,
            )
        )
    return rows


def refused(refusal: RefusalError) -> Decision:
    """A refusal as a decision that uses up the key and moves nothing."""
    return Decision(answer=json.encode(refusal.fields), refusal=refusal.code())
