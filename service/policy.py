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
from service.context import House
from service.ledger.command import Decision
from service.ledger.read_set import View
from service.regions.policy_book import canonical, from_canonical
from service.vault import Keys

PUBLISHER = Caller(Role.OPERATOR, "policy", None, "operator:policy")


class EditionEditedError(Exception):
    """A region's file holds an edition of a published id with other content."""


async def publish(house: House) -> int:
    """Append every edition of the files that is not in the log yet; how many those were.

    Raises:
        EditionEditedError: a published edition's content was changed.
    """
    published = 0
    for region in house.policies.regions():
        for edition in house.policies.editions(region):
            published += await _publish(house, edition)
    return published


async def _publish(house: House, edition: Edition) -> bool:
    content = canonical(edition).decode()
    name = house.keys.name("region", edition.region)

    def decide(view: View, now: Instant) -> Decision:
        stream = view.find(name)
        book = view.rulebook(stream) if stream else None
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
    reply = await house.do(Request(PUBLISHER, key, digest, "start"), decide)
    return reply.answer == b"true" and not reply.is_replayed


def edition_in_force(view: View, keys: Keys, region: str, now: Instant) -> Edition:
    """The edition of a region today, read from the log.

    Raises:
        NoEditionError: the region has published none that is in force.
    """
    known = view.memo.get(region)
    if isinstance(known, Edition):
        return known
    stream = view.find(_region_name(keys, region))
    if stream is None:
        raise NoEditionError(region=region)
    try:
        edition = _in_force(view.rulebook(stream).editions, now.on)
    except NoEditionInForceError as none:
        raise NoEditionError(region=region) from none
    view.memo[region] = edition
    return edition


def edition_of_record(view: View, keys: Keys, region: str, edition_id: str) -> Edition:
    """The edition that something was decided by, whatever is in force today.

    Raises:
        NoEditionError: the region never published it.
    """
    stream = view.find(_region_name(keys, region))
    editions = () if stream is None else _editions(view.rulebook(stream).editions)
    for edition in editions:
        if edition.id == edition_id:
            return edition
    raise NoEditionError(region=region)


async def editions_today(house: House, regions: Iterable[str]) -> dict[str, Edition]:
    """The edition that is in force today by region, from the log; a region without is left out."""
    names = {_region_name(house.keys, region): region for region in regions}
    streams = (await house.store.read((), names)).names
    heads = (await house.store.read(streams.values(), ())).heads
    today = house.clock().on
    found: dict[str, Edition] = {}
    for name, stream in streams.items():
        book = heads[stream].state
        assert isinstance(book, Rulebook), "a region's name leads to its rulebook"
        with suppress(NoEditionInForceError):
            found[names[name]] = in_force(_editions(book.editions), today)
    return found


def _region_name(keys: Keys, region: str) -> bytes:
    return keys.name("region", region)


@lru_cache(maxsize=1024)
def _in_force(published: tuple[tuple[str, str], ...], on: date) -> Edition:
    return in_force(_editions(published), on)


@lru_cache(maxsize=1024)
def _editions(published: tuple[tuple[str, str], ...]) -> tuple[Edition, ...]:
    return tuple(from_canonical(content.encode()) for _, content in published)


async def look_at_rulebook(house: House, region: str) -> tuple[tuple[str, str], ...]:
    """A region's published editions from the log: id and canonical JSON, oldest first.

    Raises:
        UnknownError: the region has published none.
    """
    name = _region_name(house.keys, region)
    stream = (await house.store.read((), (name,))).names.get(name)
    if stream is None:
        raise UnknownError
    book = (await house.store.read((stream,), ())).heads[stream].state
    assert isinstance(book, Rulebook), "a region's name leads to its rulebook"
    return book.editions
