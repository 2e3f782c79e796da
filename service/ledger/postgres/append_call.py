"""A batch as one call of the database function `append`, and the result rows as an outcome."""

from collections.abc import Mapping, Sequence
from typing import Any

from aggregates.account.reserved import held_fen
from aggregates.account.state import Account
from aggregates.pool.pool import Pool, held_in_pool_fen
from aggregates.topics import State
from aggregates.vocabulary import instant
from service.clock import of_micros
from service.ledger.codec import decode_head, encode_head, kind_of, stream_id
from service.ledger.store import AppendOutcome, Batch, StreamHead, UsedKey

PARAMETERS = ", ".join(f"${n}" for n in range(1, 31))
APPEND = f"SELECT * FROM append({PARAMETERS})"  # noqa: S608 -- numbers of parameters alone


def arguments(batch: Batch, topic_ids: Mapping[str, int]) -> tuple[Any, ...]:
    """A batch as the parameters of the database function; topics are given by their codes."""
    rows, keys = batch.rows, batch.keys
    times = batch.times or [batch.at] * len(rows)
    newest_us = times[-1] if times else batch.at
    heads = [(s, h) for s, h in batch.heads.items() if kind_of(s).has_head]
    balances = [buckets_of(h.state) for _, h in heads]
    return (
        batch.at,
        [row.stream[4:] for row in rows],
        [row.version for row in rows],
        [topic_ids[row.topic] for row in rows],
        [row.amount_fen for row in rows],
        [row.state for row in rows],
        [s[4:] for s in batch.expected],
        list(batch.expected.values()),
        [s[4:] for s, _ in heads],
        [kind_of(s).code for s, _ in heads],
        [h.version for _, h in heads],
        [current for current, _ in balances],
        [prior for _, prior in balances],
        [encode_head(h.state) for _, h in heads if h.state is not None],
        [key.caller for key in keys],
        [key.key for key in keys],
        [key.digest for key in keys],
        [key.stream[4:] if key.stream else None for key in keys],
        [key.refusal for key in keys],
        [key.answer for key in keys],
        [key.offset for key in keys],
        [caller for caller, _ in batch.asked],
        [key for _, key in batch.asked],
        list(batch.names),
        [s[4:] for s in batch.names.values()],
        list(batch.freed),
        [s[4:] for s, _ in batch.person_keys],
        [wrapped for _, wrapped in batch.person_keys],
        times,
        [_held_fen(h.state, newest_us) for _, h in heads],
    )


def buckets_of(state: State | None) -> tuple[int, int] | tuple[None, None]:
    """Current and prior money of a head in fen; a pool's one bucket is current; None for others."""
    if isinstance(state, Pool):
        return state.balance_fen, 0
    return (state.current_fen, state.prior_fen) if isinstance(state, Account) else (None, None)


def _held_fen(state: State | None, at_us: int) -> int | None:
    """The part of an account's or pool's money that is held; None for other streams."""
    if isinstance(state, Pool):
        return held_in_pool_fen(state, instant(of_micros(at_us)))
    if not isinstance(state, Account):
        return None
    return held_fen(state, instant(of_micros(at_us))) if state.holds else 0


def outcome_of(answer: Sequence[Any], batch: Batch) -> AppendOutcome:
    """The result rows of the database function as an outcome."""
    outcome = AppendOutcome()
    by_hex = {stream[4:]: stream for stream in batch.expected}
    names = list(batch.names)
    for what, ix, stream, number, kind, refusal, digest, body in answer:
        match what:
            case "done":
                outcome.base = number
            case "stale":
                head = None if kind is None else StreamHead(number, decode_head(kind, body))
                outcome.stale[by_hex[stream.hex]] = head
            case "late":
                outcome.late = number
            case "taken":
                outcome.taken.add(names[ix - 1])
            case _:
                subject = None if stream is None else stream_id("stl", stream.hex)
                known = UsedKey(number, subject, refusal, digest, body)
                (outcome.known if what == "known" else outcome.asked)[ix - 1] = known
    return outcome
