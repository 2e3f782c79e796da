"""The policy editions in the log: published at start, and never changed afterwards."""

import hashlib
from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import date
from functools import lru_cache, partial

from aggregates.policy.edition import Edition, NoEditionInForceError, in_force
from aggregates.policy.rulebook import EditionPublished, Rulebook
from aggregates.refusals import NoEditionError, UnknownError
from aggregates.vocabulary import Instant
from service.caller import Caller, Request, Role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision
from service.ledger.read_set import ReadSet
from service.regions.canonical import canonical, from_canonical
from service.vault import Vault

Published = tuple[tuple[str, str], ...]
"""A region's editions, oldest first: id and canonical JSON."""
PUBLISHER = Caller(Role.OPERATOR, "policy", None, "operator:policy")


class EditionEditedError(Exception):
    """A region's file changes the content of a published edition."""


async def publish(context: ServiceContext) -> int:
    """Append every edition that is not in the log yet, and count them.

    An area whose editions are laid over its province's is left out until its first account is
    opened (`publish_area`): a ledger does not hold the rules of areas that it has nobody of.

    Raises:
        EditionEditedError: a file changes a published edition.
    """
    book = context.policies
    known = await _rulebooks(context, book.regions())
    published = 0
    for region in book.regions():
        if region in known or not book.is_layered(region):
            published += await _publish_region(context, region, dict(known.get(region, ())))
    await _remember(context, tuple(context.published))
    return published


async def _remember(context: ServiceContext, regions: tuple[str, ...]) -> None:
    """Read the rules of all regions into the cache.

    Every later look at an account reads its region's. Read only then, they would make the first
    answer about somebody slower than the one about nobody.
    """
    for region in regions:
        await context.read(PUBLISHER, partial(_look_at, region))


def _look_at(region: str, reads: ReadSet, _: Instant) -> None:
    reads.year_days(region)


async def publish_area(context: ServiceContext, area: str) -> None:
    """Append an area's editions before its first account is opened, once for each process.

    Raises:
        EditionEditedError: a file changes a published edition.
    """
    if area not in context.published:
        known = await _rulebooks(context, (area,))
        await _publish_region(context, area, dict(known.get(area, ())))


async def _publish_region(context: ServiceContext, region: str, known: dict[str, str]) -> int:
    published = 0
    for edition in context.policies.editions(region):
        if known.get(edition.id) != canonical(edition).decode():
            published += await _publish(context, edition)
    context.published.add(region)
    return published


async def _publish(context: ServiceContext, edition: Edition) -> bool:
    content = canonical(edition).decode()
    name = _region_name(context.vault, edition.region)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        stream = reads.find(name)
        published = dict(reads.rulebook(stream).editions).get(edition.id) if stream else None
        if published == content:
            return Decision(answer=b"false")
        if published is not None:
            raise EditionEditedError(edition.id)
        takes = {} if stream else {name: new_stream("pol", now.at)}
        event = EditionPublished(region=edition.region, edition=edition.id, content=content)
        return Decision(answer=b"true", events=[(stream or takes[name], event)], takes=takes)

    digest = hashlib.sha256(content.encode()).digest()
    key = f"publish:{edition.id}:{digest.hex()[:16]}"
    reply = await context.do(Request(PUBLISHER, key, digest, "start"), decide)
    return reply.answer == b"true" and not reply.is_replayed


def edition_in_force(reads: ReadSet, vault: Vault, region: str, now: Instant) -> Edition:
    """The edition of a region in force today; NoEditionError if there is none."""
    cached = reads.memo.get(region)
    if isinstance(cached, Edition):
        return cached
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
    """The edition of an earlier decision; NoEditionError if the region never published it."""
    stream = reads.find(_region_name(vault, region))
    editions = () if stream is None else _editions(reads.rulebook(stream).editions)
    for edition in editions:
        if edition.id == edition_id:
            return edition
    raise NoEditionError(region=region)


async def editions_today(context: ServiceContext, regions: Iterable[str]) -> dict[str, Edition]:
    """The edition in force today by region, from the log; a region without one is left out."""
    today = context.clock().on
    editions: dict[str, Edition] = {}
    for region, published in (await _rulebooks(context, regions)).items():
        with suppress(NoEditionInForceError):
            editions[region] = _in_force(published, today)
    return editions


async def published_in_log(context: ServiceContext) -> int:
    """How many editions the log holds."""
    rulebooks = await _rulebooks(context, context.policies.regions())
    return sum(map(len, rulebooks.values()))


async def look_at_rulebook(context: ServiceContext, region: str) -> tuple[str, Published]:
    """The pooling area of a code and its editions; UnknownError if there are none."""
    area = context.policies.pooling_area(region)
    rulebooks = await look_at_rulebooks(context, (area,))
    if area not in rulebooks:
        raise UnknownError
    return area, rulebooks[area]


async def look_at_rulebooks(
    context: ServiceContext, regions: Collection[str]
) -> dict[str, Published]:
    """Regions' editions by region: from the log, or of the files where none is published yet."""
    published = await _rulebooks(context, regions)
    for region in regions:
        if region not in published and (editions := context.policies.editions(region)):
            published[region] = tuple((each.id, canonical(each).decode()) for each in editions)
    return published


async def _rulebooks(context: ServiceContext, regions: Iterable[str]) -> dict[str, Published]:
    names = {_region_name(context.vault, region): region for region in regions}
    streams = (await context.store.read((), names)).names
    heads = (await context.store.read(streams.values(), ())).heads
    rulebooks: dict[str, Published] = {}
    for name, stream in streams.items():
        rulebook = heads[stream].state
        assert isinstance(rulebook, Rulebook), "a region's name leads to its rulebook"
        rulebooks[names[name]] = rulebook.editions
    return rulebooks


def _region_name(vault: Vault, region: str) -> bytes:
    return vault.name("region", region)


@lru_cache(maxsize=1024)
def _in_force(published: Published, on: date) -> Edition:
    return in_force(_editions(published), on)


@lru_cache(maxsize=1024)
def _editions(published: Published) -> tuple[Edition, ...]:
    return tuple(from_canonical(content.encode()) for _, content in published)
