"""The persons of a case on the rules alone: accounts, kinship and the day's rules."""

from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import cast

from aggregates.account import decisions as standing
from aggregates.account import fold as accounts
from aggregates.account.events import (
    AccountClosed,
    AccountOpened,
    BeneficiaryUnlinked,
    InsuranceSuspended,
    SponsorUnlinked,
)
from aggregates.account.state import Account
from aggregates.account.year_close import turned
from aggregates.binding import binding as bindings
from aggregates.binding import kinship
from aggregates.binding.binding import Binding
from aggregates.binding.eligibility import Side, is_excluded
from aggregates.binding.expiry import without_expired
from aggregates.binding.kinship import INVERSE, Kinship, KinshipRecorded, Traits, agrees
from aggregates.institution import FIRST_DIALECT, InstitutionDesignated
from aggregates.policy.edition import BindingTerms, Edition, in_force
from aggregates.pool import decisions as pool_rules
from aggregates.pool.pool import Pool, PoolEvent
from aggregates.pool.pool import evolve as evolve_pool
from aggregates.topics import Event
from aggregates.vocabulary import (
    BEIJING,
    BindingStatus,
    Instant,
    InsuranceStatus,
    Parting,
    Relation,
    StreamId,
    instant,
)
from service.person.kin import traits_in
from tests.cases.reading import Person, Step, fen
from tests.cases.step_commands import cert_no
from tests.cases.world import Outcome


class RulesWorld:
    """Accounts, bindings and relatives, each folded from its events."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.editions: tuple[Edition, ...] = ()
        self.people: dict[StreamId, Person] = {}
        self.accounts: dict[StreamId, Account] = {}
        self.pools: dict[StreamId, Pool] = {}
        self.bindings: dict[StreamId, Binding] = {}
        self.relatives: dict[StreamId, Kinship] = {}
        self.promised: set[StreamId] = set()
        self.designated: InstitutionDesignated | None = None
        self.now: Instant = instant(datetime(2020, 1, 1, tzinfo=BEIJING))

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """Begin with these rules and nobody."""
        self.editions = editions

    async def left(self, who: str) -> tuple[int, int]:
        """A person's current and prior money in fen."""
        account = self.accounts[person_id(who)]
        return account.current_fen, account.prior_fen

    async def to_recover(self, settlement: str) -> int:
        """Nothing: what was paid after an end is looked up in the log."""
        raise AssertionError(settlement)

    async def kept_aside(self, who: str) -> int:
        """What came back to a person who may not take it, in fen."""
        return sum(kept.amount_fen for kept in self.accounts[person_id(who)].suspended)

    async def pooled(self, who: str) -> int:
        """What is in a person's family pool, in fen; 0 without one."""
        pool = self.accounts[person_id(who)].pool
        return 0 if pool is None else self.pools[pool].balance_fen

    def open_pool(self, step: Step) -> Outcome:
        """Let a person have a family pool."""
        owner_id = person_id(step.who)
        owner, pool_id = self.accounts[owner_id], StreamId(f"fpl_{step.who}")
        edition = self.edition(owner.region)
        opened = pool_rules.open_pool(owner_id, owner, edition, pool_id, self.now)
        return self._keep_pooled(opened)

    def to_pool(self, step: Step) -> Outcome:
        """Move a person's money into the pool."""
        owner_id, owner, pool = self._pool_of(step)
        edition, amount_fen = self.edition(owner.region), fen(step.amount)
        return self._keep_pooled(
            pool_rules.transfer(owner_id, owner, pool, edition, amount_fen, self.now)
        )

    def from_pool(self, step: Step) -> Outcome:
        """Take all that is free back from the pool."""
        owner_id, owner, pool = self._pool_of(step)
        bindings_now = [link.binding for link in owner.beneficiaries]
        members = [b for b in bindings_now if self.bindings[b].pays_at(self.now)]
        return self._keep_pooled(pool_rules.withdraw(owner_id, owner, pool, members, self.now))

    def _pool_of(self, step: Step) -> tuple[StreamId, Account, Pool]:
        owner_id = person_id(step.who)
        owner = self.accounts[owner_id]
        assert owner.pool is not None, "open_pool comes first"
        return owner_id, owner, self.pools[owner.pool]

    def _keep_pooled(self, moved: Sequence[tuple[StreamId, Event]]) -> Outcome:
        for stream, event in moved:
            self.fold(stream, event)
        return Outcome()

    def open(self, step: Step) -> Outcome:
        """Let a person come."""
        person = step.person or Person()
        opened = AccountOpened(
            region=person.region,
            insurance=person.insurance,
            standing=InsuranceStatus.NORMAL,
            flags=person.flags,
            on=self.now.on,
            sealed="",
            insurance_year_from=self.edition(person.region).money.insurance_year_from,
        )
        self.people[person_id(step.who)] = person
        self.accounts[person_id(step.who)] = accounts.evolve(None, opened)
        return Outcome()

    def fold(self, stream: StreamId, event: Event) -> None:
        """Let something happen to an account or a pool."""
        if isinstance(event, PoolEvent):
            self.pools[stream] = evolve_pool(self.pools.get(stream), event)
        else:
            account_event = cast("accounts.AccountEvent", event)
            self.accounts[stream] = accounts.evolve(self.accounts[stream], account_event)

    def credit(self, step: Step) -> Outcome:
        """Bring money in."""
        account_id = person_id(step.who)
        account = self.accounts[account_id]
        is_allowed = self.edition(account.region).money.resident_balance
        opened = standing.open_balance(account, self.now, is_allowed=is_allowed)
        if opened is not None:
            self.fold(account_id, opened)
        account = self.accounts[account_id]
        self.fold(account_id, standing.credit(account, step.bucket, fen(step.amount), None))
        return Outcome()

    def status(self, step: Step) -> Outcome:
        """Change how an account stands; an end ends its bindings."""
        account_id = person_id(step.who)
        day = step.effective_on or self.now.on
        account = self.accounts[account_id]
        event = standing.change_status(account, step.status, "told", day, self.now)
        if isinstance(event, AccountClosed) and account.pool is not None:
            pool = self.pools[account.pool]
            self._keep_pooled(pool_rules.empty(account_id, account, pool, self.now))
        self.fold(account_id, event)
        if isinstance(event, InsuranceSuspended) and step.status == "SUSPENDED":
            self._end_where(account_id, lambda terms, *_: terms.suspension_ends_binding)
        if isinstance(event, AccountClosed):
            for link in account.sponsors + account.beneficiaries:
                self._end(link.binding, day)
            for binding_id, _ in account.invitations:
                self._end(binding_id, day)
        return Outcome()

    def flag(self, step: Step) -> Outcome:
        """Set the marks on a person; they end what they exclude."""
        account_id = person_id(step.who)
        self.fold(account_id, standing.change_flags(self.accounts[account_id], step.flags, "told"))
        self._end_where(account_id, is_excluded)
        return Outcome()

    def _end_where(
        self, account_id: StreamId, ends: Callable[[BindingTerms, Account, Account], bool]
    ) -> None:
        """End an account's bindings that the sponsor's region ends."""
        account = self.accounts[account_id]
        for binding_id in [link.binding for link in account.sponsors + account.beneficiaries]:
            binding = self.bindings[binding_id]
            sponsor, beneficiary = (
                self.accounts[side] for side in (binding.sponsor, binding.beneficiary)
            )
            if ends(self.edition(sponsor.region).binding, sponsor, beneficiary):
                self._end(binding_id, self.now.on)

    def _end(self, binding_id: StreamId, on: date) -> None:
        binding = self.bindings[binding_id]
        was_active = binding.status is BindingStatus.ACTIVE
        self.bindings[binding_id] = bindings.evolve(binding, bindings.end("told"))
        self.part(binding_id, Parting.ENDED if was_active else None, on)

    def part(self, binding_id: StreamId, parting: Parting | None, on: date) -> None:
        """Untie two; without a parting they were never bound."""
        binding = self.bindings[binding_id]
        self.fold(binding.beneficiary, SponsorUnlinked(binding=binding_id))
        if parting is not None:
            gone = BeneficiaryUnlinked(binding=binding_id, parting=parting, on=on)
            self.fold(binding.sponsor, gone)

    def file(self, step: Step) -> Outcome:
        """Note an off-site filing."""
        account_id = person_id(step.who)
        account = self.accounts[account_id]
        filed = standing.file_elsewhere(account, step.place, step.kind, step.since, step.until)
        self.fold(account_id, filed)
        return Outcome()

    def relate(self, step: Step) -> Outcome:
        """Enter a kinship, both ways."""
        person, relative = person_id(step.by), person_id(step.who)
        self._record(person, relative, step.relation)
        if step.relation in INVERSE:
            self._record(relative, person, INVERSE[step.relation])
        return Outcome()

    def _record(self, person: StreamId, relative: StreamId, relation: Relation) -> None:
        fact = KinshipRecorded(person=person, relative=relative, relation=relation)
        self.relatives[person] = kinship.evolve(self.relatives.get(person), fact)
        for link in self.accounts[person].beneficiaries:
            is_other = link.beneficiary == relative and not agrees(link.relation, relation)
            if is_other and link.binding in self.promised:
                self._end(link.binding, self.now.on)

    def designate(self, step: Step) -> Outcome:
        """Bring an institution under agreement."""
        assert step.counter is not None
        self.designated = InstitutionDesignated(
            code=step.counter.code,
            name="told",
            kind=step.counter.kind,
            region=step.counter.region,
            status=step.counter.status,
            opened_regions=step.counter.opened_regions,
            sensitive=False,
            dialect=FIRST_DIALECT,
            signature=None,
            sealed=None,
        )
        return Outcome()

    def clock(self, step: Step) -> Outcome:
        """Set the clock; years that are over are closed."""
        assert step.to is not None
        self.now = instant(step.to)
        for account_id, account in self.accounts.items():
            self.accounts[account_id] = turned(account, self.now)
        return Outcome()

    def traits_of(self, account_id: StreamId) -> Traits:
        """What somebody's ID number tells."""
        return traits_in(cert_no(self.people[account_id], 0))

    def edition(self, region: str) -> Edition:
        """A region's rules of today."""
        return in_force([e for e in self.editions if e.region == region], self.now.on)

    def side(self, account_id: StreamId) -> Side:
        """One party of a binding, without its lapsed ties."""
        account, _ = without_expired(self.accounts[account_id], self.bindings.__getitem__, self.now)
        self.accounts[account_id] = account
        return Side(account_id, account, self.edition(account.region))


def person_id(who: str) -> StreamId:
    """The account of somebody."""
    return StreamId(f"acc_{who}")
