"""A ledger in memory, decided again under a draft."""

from pathlib import Path

from aggregates.policy.edition import Edition
from aggregates.policy.rulebook import EditionPublished
from service.context import ServiceContext
from service.ledger.codec import encode, encode_act, kind_of
from service.ledger.memory_store import MemoryStore
from service.ledger.overlay import Overlay, UnreadError
from service.ledger.store import NO_HEAD, StreamHead
from service.regions.policy_book import PolicyBook
from service.rehearsal.draft import Draft
from service.rehearsal.report import Report, report_of
from service.rehearsal.run import RehearsalRequest, scope_of
from service.rehearsal.walk import REREAD, RehearsalWalk
from service.replay.decoding import Stored
from service.vault import Vault

REGIONS = Path(__file__).parents[3] / "service" / "regions"
NO_ASKING: dict[str, str | None] = {"from": None, "to": None, "region": None}


def published(store: MemoryStore) -> dict[str, set[str]]:
    """The ids of the editions in the log, by area."""
    ids: dict[str, set[str]] = {}
    for recorded in store.log:
        if isinstance(recorded.event, EditionPublished):
            ids.setdefault(recorded.event.region, set()).add(recorded.event.edition)
    return ids


def book_of(editions: tuple[Edition, ...]) -> PolicyBook:
    regions = dict.fromkeys(edition.region for edition in editions)
    return PolicyBook({r: tuple(e for e in editions if e.region == r) for r in regions})


def draft_of(store: MemoryStore, code: str, was: PolicyBook, drafted: PolicyBook) -> Draft:
    return Draft(code, (was, drafted), published(store))


def rehearsed(
    store: MemoryStore, vault: Vault, draft: Draft, request: RehearsalRequest | None = None
) -> Report:
    """The report of a rehearsal of the whole log in memory."""
    scope = scope_of(request or RehearsalRequest(""))
    walk = RehearsalWalk(Overlay(), vault, draft, scope)
    for item in store.log:
        stream, version, topic, amount_fen, state = encode(
            item.stream, item.version, item.event, encode_act(item.act)
        )
        row = Stored(item.position, item.recorded_at, stream, amount_fen, version, topic, state)
        take(store, walk, row)
    return report_of(draft, walk.tally, NO_ASKING)


def take(store: MemoryStore, walk: RehearsalWalk, row: Stored) -> None:
    """Take a row, and load what it reads as a rehearsal of a database does."""
    while True:
        try:
            walk.take(row)
        except UnreadError as unread:
            if unread.name is not None:
                walk.states.names.setdefault(unread.name, None)
            for stream in unread.streams:
                head = NO_HEAD
                for item in store.log if stream[:3] in REREAD else ():
                    if item.stream == stream and item.position < row.position:
                        state = kind_of(stream).evolve(head.state, item.event)
                        head = StreamHead(item.version, state)
                walk.states.heads[stream] = head
        else:
            break


def differences_in(context: ServiceContext) -> int:
    """The differences of a ledger in memory under its own rules: a rehearsal finds none."""
    store, book = context.store, context.policies
    assert isinstance(store, MemoryStore), "the whole log is walked"
    report = rehearsed(store, context.vault, draft_of(store, book.regions()[0], book, book))
    count: int = report["differences"] + report["not_followed"]
    return count
