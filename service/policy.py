"""The rules in force, decided from the log: published at start, never edited afterwards."""

import hashlib
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from functools import lru_cache

from aggregates.policy.edition import Edition, NoEditionInForceError, in_force
from aggregates.policy.rulebook import EditionPublished, Rulebook
from aggregates.refusals import NoEditionError, UnknownError
from aggregates.vocabulary import Instant
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.regions.policy_book import canonical, from_canonical
from service.vault import Vault

PUBLISHER = Caller(Role.OPERATOR, "policy", None, "operator:policy")


class EditionEditedError(Exception):
    """A region's file holds an edition of a published id with other content."""


async def publish(context: ServiceContext) -> int:
    """Append every edition of the files that is not in the log yet; how many those were.

    Raises:
        EditionEditedError: a published edition's content was changed.
    """
    published = 0
    for region in context.policies.regions():
        for edition in context.policies.editions(region):
            published += await _publish(context, edition)
    return published


async def _publish(context: ServiceContext, edition: Edition) -> bool:
    content = canonical(edition).decode()
    name = context.vault.name("region", edition.region)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        stream = reads.find(name)
        book = reads.rulebook(stream) if stream else None
        before = dict(book.editions).get(edition.id) if book else None
        if before is not None:
            if before != content:
                raise EditionEditedError(edition.id)
            return Decision(answer=b"false")
        event = EditionPublished(region=edition.region, edition=edition.id, content=content)
        if stream is not None:
            return Decision(answer=b"true", events=[(stream, event)])
        new = new_stream("pol", now.at)
        return Decision(answer=b"true", events=[(new, event)], takes={name: new})

    digest = hashlib.sha256(content.encode()).digest()
    key = f"publish:{edition.id}:{digest.hex()[:16]}"
    reply = await context.do(Request(PUBLISHER, key, digest, "start"), decide)
    return reply.answer == b"true" and not reply.is_replayed


def edition_in_force(reads: ReadSet, vault: Vault, region: str, now: Instant) -> Edition:
    """The edition of a region today, read from the log.

    Raises:
        NoEditionError: the region has published none that is in force.
    """
    known = reads.memo.get(region)
    if isinstance(known, Edition):
        return known
    stream = reads.find(_region_name(vault, region))
    if stream is None:
        raise NoEditionError(region=region)
    try:
        edition = _in_force(reads.rulebook(stream).editions, now.on)
    except NoEditionInForceError as none:
        raise NoEditionError(region=region) from none
    reads.memo[region] = edition
    return edition


def edition_of_record(reads: ReadSet, vault: Vault, region: str, edition_id: str) -> Edition:
    """The edition that something was decided by, whatever is in force today.

    Raises:
        NoEditionError: the region never published it.
    """
    stream = reads.find(_region_name(vault, region))
    editions = () if stream is None else _editions(reads.rulebook(stream).editions)
    for edition in editions:
        if edition.id == edition_id:
            return edition
    raise NoEditionError(region=region)


async def editions_today(context: ServiceContext, regions: Iterable[str]) -> dict[str, Edition]:
    """The edition that is in force today by region, from the log; a region without is left out."""
    names = {_region_name(context.vault, region): region for region in regions}
    streams = (await context.store.read((), names)).names
    heads = (await context.store.read(streams.values(), ())).heads
    today = context.clock().on
    found: dict[str, Edition] = {}
    for name, stream in streams.items():
        book = heads[stream].state
        assert isinstance(book, Rulebook), "a region's name leads to its rulebook"
        with suppress(NoEditionInForceError):
            found[names[name]] = in_force(_editions(book.editions), today)
    return found


def _region_name(vault: Vault, region: str) -> bytes:
    return vault.name("region", region)


@lru_cache(maxsize=1024)
def _in_force(published: tuple[tuple[str, str], ...], on: date) -> Edition:
    return in_force(_editions(published), on)


@lru_cache(maxsize=1024)
def _editions(published: tuple[tuple[str, str], ...]) -> tuple[Edition, ...]:
    return tuple(from_canonical(content.encode()) for _, content in published)


async def look_at_rulebook(context: ServiceContext, region: str) -> tuple[tuple[str, str], ...]:
    """A region's published editions from the log: id and canonical JSON, oldest first.

    Raises:
        UnknownError: the region has published none.
    """
    name = _region_name(context.vault, region)
    stream = (await context.store.read((), (name,))).names.get(name)
    if stream is None:
        raise UnknownError
    book = (await context.store.read((stream,), ())).heads[stream].state
    assert isinstance(book, Rulebook), "a region's name leads to its rulebook"
    return book.editions
