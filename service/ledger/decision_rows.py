"""The rows of a decision: its events, and the keys that it uses."""

from msgspec import json

from aggregates.account.reserved import assert_sound
from aggregates.account.state import Account
from aggregates.account.year_close import closing
from aggregates.pool.pool import Pool, assert_pool_sound
from aggregates.refusals import RefusalError
from aggregates.topics import Event
from aggregates.vocabulary import Instant, StreamId
from service.ledger.codec import EventRow, encode
from service.ledger.command import ANY_BODY, Command, Decision
from service.ledger.overlay import Overlay
from service.ledger.store import KeyRow


def rows_of(overlay: Overlay, decision: Decision, act: bytes, now: Instant) -> list[EventRow]:
    """The event rows of a decision; the first event of a new year is preceded by a closing.

    Raises:
        AssertionError: the decision spends money that an account or pool does not have.
    """
    rows: list[EventRow] = []
    accounts: dict[StreamId, Account] = {}
    pools: dict[StreamId, Pool] = {}
    for stream, event in decision.events:
        if stream.startswith("acc_"):
            closed = _closing(overlay, stream, now)
            if closed is not None and closed != event:
                rows.append(encode(stream, overlay.apply(stream, closed).version, closed, act))
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


def _closing(overlay: Overlay, stream: StreamId, now: Instant) -> Event | None:
    head = overlay.known_head(stream)
    return closing(head.state, now) if head and isinstance(head.state, Account) else None


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
