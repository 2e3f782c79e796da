"""The composition root: everything a use case leans on, built once and closed once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from aggregates.event_metadata import Act
from aggregates.vocabulary import Instant, LinkEvidence, Relation
from service.adapters.pooled_fund import Funds, cores_of, load_table
from service.adapters.tax_authority import TaxAnswer, TaxOrder
from service.caller import Caller, Request
from service.clock import Clock
from service.ledger.appender import Appender
from service.ledger.command import Command, Decision, Reply
from service.ledger.head_cache import Limits
from service.ledger.postgres.connect import Patience
from service.ledger.postgres.store import PostgresStore
from service.ledger.read_set import ReadSet
from service.ledger.store import Store, StoreUnavailableError
from service.regions.policy_book import PolicyBook, load
from service.request_context import noting
from service.runtime.readiness import Readiness
from service.runtime.silence import readers_hang, writer_hangs
from service.settings import Settings
from service.vault import Personal, Vault, hold_keys, load_keys

T = TypeVar("T")
Decide = Callable[[ReadSet, Instant], Decision]


class Relations(Protocol):
    """A registry that knows who is what to whom."""

    async def relation(self, person: Personal, relative: Personal) -> Relation | None:
        """What `relative` is to `person`, or None where it knows of nothing."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


class Proofs(Protocol):
    """A verifier that knows whether an identity proof is somebody's."""

    async def holds(self, person: Personal, kind: LinkEvidence, reference: str) -> bool | None:
        """Whether a proof is the person's, or None where nobody answered."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


class TaxSide(Protocol):
    """Who collects residents' premiums; every operation may be asked again."""

    async def charge(self, order: TaxOrder) -> TaxAnswer:
        """Book an order."""
        ...

    async def query(self, order: TaxOrder) -> TaxAnswer:
        """What became of an order."""
        ...

    async def reverse(self, order: TaxOrder) -> TaxAnswer:
        """Take a booked order back."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


class OutsideCheckpoint(Protocol):
    """A checkpoint outside the database, that the log is held against before it is written to."""

    @property
    def mismatch(self) -> StoreUnavailableError | None:
        """Why nothing may be written now, as it was compared last."""
        ...

    @property
    def is_reachable(self) -> bool:
        """Whether it answered when it was asked last."""
        ...

    async def check(self, connection: Any) -> object:  # noqa: ANN401 -- asyncpg
        """Compare; raises what `mismatch` is then."""
        ...

    async def close(self) -> None:
        """Let the connections go."""
        ...


@dataclass(slots=True)
class ServiceContext:
    """A running service's parts."""

    store: Store
    appender: Appender
    clock: Clock
    vault: Vault
    policies: PolicyBook
    registry: Relations | None = None
    tax: TaxSide | None = None
    outside: OutsideCheckpoint | None = None
    funds: Funds = field(default_factory=lambda: Funds(load_table()))
    readiness: Readiness = field(default_factory=Readiness)
    proofs: Proofs | None = None

    async def close(self) -> None:
        """Finish what was taken, then let the store go."""
        await self.appender.close()
        await self.store.close()
        await self.funds.close()
        if self.registry is not None:
            await self.registry.close()
        if self.tax is not None:
            await self.tax.close()
        if self.proofs is not None:
            await self.proofs.close()
        if self.outside is not None:
            await self.outside.close()

    async def do(self, request: Request, decide: Decide) -> Reply:
        """Carry out a request that uses up its key; see `Appender.submit` for what it raises."""
        return await self.appender.submit(self.command(request, decide))

    def command(self, request: Request, decide: Decide) -> Command:
        """A request and its decision as the ledger takes them.

        Raises:
            StoreUnavailableError: the log is not the one whose checkpoint is outside.
        """
        if self.outside is not None and self.outside.mismatch is not None:
            raise self.outside.mismatch
        act = Act(
            actor=request.caller.name,
            on_behalf_of=None,
            channel=request.channel,
            key_digest=key_digest(self.vault, request.caller, request.key),
        )
        # Who has the stored digest and not the key file cannot try out what a body said.
        digest = self.vault.sign(request.digest)
        return Command(request.caller.name, request.key, digest, act, noting(decide))

    async def ask(
        self, caller: Caller, decide: Decide, asks: tuple[str, str] | None = None
    ) -> Reply:
        """Answer from the log as it stands, in its order; nothing is stored."""
        return await self.appender.submit(
            Command(caller.name, None, b"", NOBODY, noting(decide), asks)
        )

    async def read(self, caller: Caller, query: Callable[[ReadSet, Instant], T]) -> T:
        """What a query makes of the log as it stands, in its order; nothing is stored."""
        return (await self.read_at(caller, query))[0]

    async def read_at(
        self, caller: Caller, query: Callable[[ReadSet, Instant], T]
    ) -> tuple[T, int]:
        """As `read`, with the position of the log that the result is as of."""
        results: list[T] = []

        def decide(reads: ReadSet, now: Instant) -> Decision:
            results.append(query(reads, now))  # a decision may be made again; the last one counts
            return Decision(answer=b"")

        reply = await self.ask(caller, decide)
        return results[-1], reply.position


def key_digest(vault: Vault, caller: Caller, key: str) -> str:
    """What stands for a caller's key in events: 32 hex digits."""
    return vault.name("key", f"{caller.name}\0{key}").hex()[:32]


NOBODY = Act(actor="", on_behalf_of=None, channel="", key_digest="")


async def open_postgres(
    settings: Settings,
    dsn: str,
    clock: Clock,
    limits: Limits | None = None,
    outside: OutsideCheckpoint | None = None,
    patience: Patience | None = None,
) -> ServiceContext:
    """A house on a migrated PostgreSQL, with its settings' limits and patience or others.

    Who writes names the checkpoint `outside` where there is one: each connection that appends is
    compared with it first.

    Raises:
        KeyFileError: the ledger was sealed with other keys; PolicyFilesError: unsound regions;
        StoreUnavailableError: no database there, or not the one whose checkpoint is outside.
    """
    vault = load_keys(settings.key_file)
    policies = load(settings.regions)
    patience = patience or Patience.of(settings.silent_s)
    store = PostgresStore(dsn, partial(_greet, vault=vault, outside=outside), patience)
    try:
        await store.open()
    except BaseException:
        await store.close()
        raise
    limits = limits or Limits(
        waiting_max=settings.waiting_max,
        deadline_s=settings.deadline_s,
        heads_max=settings.heads_max,
    )
    context = furnish(store, vault, policies, clock, limits)
    context.appender.clock.see(await store.recorded_at())
    context.readiness.add("readers", partial(readers_hang, store))
    context.readiness.add("writer", partial(writer_hangs, context.appender))
    context.outside = outside
    context.funds = Funds(context.funds.table, cores_of(settings.fund_urls))
    return context


async def _greet(connection: Any, vault: Vault, outside: OutsideCheckpoint | None) -> None:  # noqa: ANN401
    """Meet a new connection that appends: compare first, then hold the keys."""
    if outside is not None:
        await outside.check(connection)
    await hold_keys(connection, vault)


def furnish(
    store: Store, vault: Vault, policies: PolicyBook, clock: Clock, limits: Limits | None = None
) -> ServiceContext:
    """A house on any store; its appender takes commands at once.

    Its clock is the ledger's: the given one, and never before what it has seen of the log.
    """
    appender = Appender(store, clock, limits or Limits())
    appender.start()
    return ServiceContext(store, appender, appender.clock, vault, policies)
