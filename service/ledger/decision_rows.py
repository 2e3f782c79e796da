"""A decision on its way out: its events as rows, and the keys that it uses up."""

from msgspec import json

from aggregates.account.reserved import assert_sound
from aggregates.account.state import Account
from aggregates.account.year_close import closing
from aggregates.refusals import RefusalError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.codec import EventRow, encode
from service.ledger.command import ANY_BODY, Command, Decision
from service.ledger.overlay import Overlay
from service.ledger.store import KeyRow


def rows_of(overlay: Overlay, decision: Decision, act: bytes, now: Instant) -> list[EventRow]:
    """A decision's events as rows; an account whose year is over is closed before, once.

    Raises:
        AssertionError: an account's money would not be there that the decision spends.
    """
    rows: list[EventRow] = []
    accounts: dict[StreamId, Account] = {}
    for stream, event in decision.events:
        if stream.startswith("acc_"):
            closed = _closing(overlay, stream, now)
            if closed is not None and closed != event:
                rows.append(encode(stream, overlay.apply(stream, closed).version, closed, act))
        head = overlay.apply(stream, event)
        if isinstance(head.state, Account):
            accounts[stream] = head.state
        rows.append(encode(stream, head.version, event, act))
    for account in accounts.values():
        assert_sound(account, now)
    return rows


def _closing(overlay: Overlay, stream: StreamId, now: Instant) -> Event | None:
    head = overlay.known_head(stream)
    return closing(head.state, now) if head and isinstance(head.state, Account) else None


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
