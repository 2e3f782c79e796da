"""The composition root: all parts that use cases need, built once and closed once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol, TypeVar

from aggregates.event_metadata import Act
from aggregates.vocabulary import Instant, LinkEvidence, Relation
from service.adapters.credential_verifier import Confirmation
from service.adapters.fsi_centre import Centres
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
from service.runtime.identified import Identified
from service.runtime.readiness import Readiness
from service.runtime.silence import readers_hang, writer_hangs
from service.settings import Settings
from service.vault import Personal, Vault, hold_keys, load_keys

T = TypeVar("T")
Decide = Callable[[ReadSet, Instant], Decision]


class Connected(Protocol):
    """A part that holds connections."""

    async def close(self) -> None:
        """Close the connections."""
        ...


class Relations(Connected, Protocol):
    """A registry of kinship."""

    async def relation(self, person: Personal, relative: Personal) -> Relation | None:
        """What `relative` is to `person`; None if the registry has no relation."""
        ...


class Proofs(Connected, Protocol):
    """A verifier of identity proofs."""

    async def holds(self, person: Personal, kind: LinkEvidence, reference: str) -> bool | None:
        """Whether a proof is the person's; None if nobody answered."""
        ...


class Confirms(Connected, Protocol):
    """A verifier of tokens."""

    async def confirm(self, kind: str, value: str) -> Confirmation | None:
        """Whose token it is; None if it is nobody's.

        Raises:
            StoreUnavailableError: it gives no answer, and the deployment refuses then.
        """
        ...


class TaxSide(Connected, Protocol):
    """The collector of residents' premiums; all operations are idempotent."""

    async def charge(self, order: TaxOrder) -> TaxAnswer:
        """Book an order."""
        ...

    async def query(self, order: TaxOrder) -> TaxAnswer:
        """The state of an order."""
        ...

    async def reverse(self, order: TaxOrder) -> TaxAnswer:
        """Reverse a booked order."""
        ...


class OutsideCheckpoint(Connected, Protocol):
    """A checkpoint outside the database; the log is compared with it before each write."""

    @property
    def mismatch(self) -> StoreUnavailableError | None:
        """Why nothing may be written, by the last comparison."""
        ...

    @property
    def is_reachable(self) -> bool:
        """Whether it answered the last time."""
        ...

    async def check(self, connection: Any) -> object:  # noqa: ANN401 -- asyncpg
        """Compare; raises what `mismatch` is then."""
        ...


@dataclass(slots=True)
class ServiceContext:
    """The parts of a running service. `published` are the regions whose editions are in the log.

    `tokens` confirms credentials that nobody here knows.
    """

    store: Store
    appender: Appender
    clock: Clock
    vault: Vault
    policies: PolicyBook
    registry: Relations | None = None
    tax: TaxSide | None = None
    outside: OutsideCheckpoint | None = None
    funds: Funds = field(default_factory=lambda: Funds(load_table()))
    centres: Centres = field(default_factory=Centres)
    readiness: Readiness = field(default_factory=Readiness)
    proofs: Proofs | None = None
    tokens: Confirms | None = None
    identified: Identified = field(default_factory=Identified)
    published: set[str] = field(default_factory=set)

    async def close(self) -> None:
        """Finish all commands, then close all connections."""
        parts = (self.appender, self.store, self.funds, self.centres)
        for part in (*parts, self.registry, self.tax, self.proofs, self.tokens, self.outside):
            if part is not None:
                await part.close()

    async def do(self, request: Request, decide: Decide) -> Reply:
        """Decide and append a request under its key; raises as `Appender.submit`."""
        return await self.appender.submit(self.command(request, decide))

    def command(self, request: Request, decide: Decide) -> Command:
        """The command of a request.

        Raises:
            StoreUnavailableError: the log does not match the checkpoint outside.
        """
        if self.outside is not None and self.outside.mismatch is not None:
            raise self.outside.mismatch
        act = Act(
            actor=request.caller.name,
            on_behalf_of=None,
            channel=request.channel,
            key_digest=key_digest(self.vault, request.caller, request.key),
        )
        # Without the key file nobody can test guesses of a body against the stored digest.
        digest = self.vault.sign(request.digest)
        return Command(request.caller.name, request.key, digest, act, noting(decide))

    async def ask(
        self, caller: Caller, decide: Decide, asks: tuple[str, str] | None = None
    ) -> Reply:
        """Decide without a key, in the log's order; nothing is stored."""
        return await self.appender.submit(
            Command(caller.name, None, b"", NOBODY, noting(decide), asks)
        )

    async def read(self, caller: Caller, query: Callable[[ReadSet, Instant], T]) -> T:
        """The result of a query of the current state, in the log's order; nothing is stored."""
        return (await self.read_at(caller, query))[0]

    async def read_at(
        self, caller: Caller, query: Callable[[ReadSet, Instant], T]
    ) -> tuple[T, int]:
        """As `read`, with the position in the log that the result is as of."""
        results: list[T] = []

        def decide(reads: ReadSet, now: Instant) -> Decision:
            results.append(query(reads, now))  # it may be called again; the last call counts
            return Decision(answer=b"")

        reply = await self.ask(caller, decide)
        return results[-1], reply.position


def key_digest(vault: Vault, caller: Caller, key: str) -> str:
    """The digest of a caller's key, as in events: 32 hex digits."""
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
    """A context on a migrated PostgreSQL, with limits and patience of the settings by default.

    `outside` is the checkpoint, if there is one; each writer connection is compared with it first.

    Raises:
        KeyFileError: the ledger was sealed with other keys; PolicyFilesError: invalid regions;
        StoreUnavailableError: no database, or one that does not match the checkpoint.
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
    """Check a new writer connection: the checkpoint first, then the keys."""
    if outside is not None:
        await outside.check(connection)
    await hold_keys(connection, vault)


def furnish(
    store: Store, vault: Vault, policies: PolicyBook, clock: Clock, limits: Limits | None = None
) -> ServiceContext:
    """A context on any store, with a running appender.

    Its clock is the ledger's: the given one, but never before the newest known time of the log.
    """
    appender = Appender(store, clock, limits or Limits(), vault)
    appender.start()
    return ServiceContext(store, appender, appender.clock, vault, policies)
