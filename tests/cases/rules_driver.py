"""Cases on the rules alone: events folded into dictionaries, no ledger and no service."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial

from aggregates import account as accounts
from aggregates import binding as bindings
from aggregates import order as orders
from aggregates import settlement as settlements
from aggregates.account import Account
from aggregates.binding import Binding, Side
from aggregates.cascade import Split
from aggregates.events import (
    AccountOpened,
    BeneficiaryLinked,
    BeneficiaryUnlinked,
    InvitationReceived,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.family import Family, Sponsor
from aggregates.institution import check_designated, evolve
from aggregates.place import Place
from aggregates.policy import Activation, Edition, in_force
from aggregates.refusals import RefusalError
from aggregates.settlement_events import Claim, InstitutionDesignated, PayerShare, Settled
from aggregates.ties import swept
from aggregates.vocabulary import BEIJING, Instant, Standing, StreamId, instant
from tests.cases.asked import amounts_of, offer_of
from tests.cases.reading import Person, Step, fen, yuan
from tests.cases.world import NotBuiltError, Outcome

COUNTER = StreamId("ins_1")


class RulesDriver:
    """The rules, and what they decided so far."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self.editions: tuple[Edition, ...] = ()
        self.accounts: dict[StreamId, Account] = {}
        self.bindings: dict[StreamId, Binding] = {}
        self.names: dict[str, StreamId] = {}
        self.designated: InstitutionDesignated | None = None
        self.now: Instant = instant(datetime(2020, 1, 1, tzinfo=BEIJING))
        self.settled = 0
        self.verbs: Mapping[str, Callable[[Step], Outcome]] = {
            "open": self._open,
            "credit": self._credit,
            "status": self._status,
            "designate": self._designate,
            "clock": self._clock,
            "invite": self._invite,
            "confirm": self._confirm,
            "decline": self._decline,
            "change": self._change,
            "release": self._release,
            "look": lambda step: self._status_of(self.names[step.binding]),
            "set_order": self._set_order,
            "quote": partial(self._bill, keeps=False),
            "settle": partial(self._bill, keeps=True),
        }

    async def furnish(self, editions: tuple[Edition, ...]) -> None:
        """Begin with these rules and nobody."""
        self.editions = editions

    async def left(self, who: str) -> tuple[int, int]:
        """A person's current and prior money in fen."""
        account = self.accounts[_person_id(who)]
        return account.current_fen, account.prior_fen

    async def do(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        """Do one step; `before` is of no use here."""
        assert "" == step.quoted + step.key + step.credential, f"not for the rules: {before}"
        if step.do not in self.verbs:
            raise NotBuiltError(step.do)
        try:
            return self.verbs[step.do](step)
        except RefusalError as refusal:
            return Outcome(refused=type(refusal).code())

    # ------------------------------------------------------------ the world

    def _open(self, step: Step) -> Outcome:
        person = step.person or Person()
        opened = AccountOpened(
            region=person.region,
            insurance=person.insurance,
            standing=Standing.NORMAL,
            flags=person.flags,
            sealed="",
        )
        self.accounts[_person_id(step.who)] = accounts.evolve(None, opened)
        return Outcome()

    def _fold(self, account_id: StreamId, event: accounts.AccountEvent) -> None:
        self.accounts[account_id] = accounts.evolve(self.accounts[account_id], event)

    def _credit(self, step: Step) -> Outcome:
        account_id = _person_id(step.who)
        account = self.accounts[account_id]
        self._fold(account_id, accounts.credit(account, step.bucket, fen(step.amount), None))
        return Outcome()

    def _status(self, step: Step) -> Outcome:
        account_id = _person_id(step.who)
        day = step.effective_on or self.now.on
        account = self.accounts[account_id]
        event = accounts.change_status(account, step.status, "told", day, self.now)
        self._fold(account_id, event)
        return Outcome()

    def _designate(self, step: Step) -> Outcome:
        assert step.counter is not None
        self.designated = InstitutionDesignated(
            code=step.counter.code,
            name="told",
            kind=step.counter.kind,
            region=step.counter.region,
            status=step.counter.status,
            opened_regions=(),
            sensitive=False,
        )
        return Outcome()

    def _clock(self, step: Step) -> Outcome:
        assert step.to is not None
        self.now = instant(step.to)
        return Outcome()

    def _edition(self, region: str) -> Edition:
        return in_force([e for e in self.editions if e.region == region], self.now.on)

    # ------------------------------------------------------------ bindings

    def _side(self, account_id: StreamId) -> Side:
        account, _ = swept(self.accounts[account_id], self.bindings.__getitem__, self.now)
        self.accounts[account_id] = account
        return Side(account_id, account, self._edition(account.region))

    def _invite(self, step: Step) -> Outcome:
        assert step.offer is not None
        sponsor, beneficiary = (
            self._side(_person_id(who)) for who in (step.offer.sponsor, step.offer.beneficiary)
        )
        sent = bindings.invite(offer_of(step.offer), sponsor, beneficiary, self.now)
        name = f"{step.offer.sponsor}>{step.offer.beneficiary}"
        binding_id = self.names[name] = StreamId(f"bnd_{len(self.bindings):04}")
        self.bindings[binding_id] = bindings.evolve(None, sent)
        received = InvitationReceived(binding=binding_id, sponsor=sponsor.account_id)
        self._fold(beneficiary.account_id, received)
        if sponsor.edition.binding.activation is Activation.SPONSOR_ONLY:
            return self._confirm(Step(do="confirm", binding=name))
        return self._status_of(binding_id)

    def _confirm(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        sponsor, beneficiary = self._side(binding.sponsor), self._side(binding.beneficiary)
        confirmed = bindings.confirm(binding, sponsor, beneficiary, self.now)
        self.bindings[binding_id] = bindings.evolve(binding, confirmed)
        linked = SponsorLinked(
            binding=binding_id,
            sponsor=binding.sponsor,
            relation=binding.relation,
            linked_at=confirmed.confirmed_at,
        )
        mine = BeneficiaryLinked(
            binding=binding_id, beneficiary=binding.beneficiary, relation=binding.relation
        )
        self._fold(binding.beneficiary, linked)
        self._fold(binding.sponsor, mine)
        return self._status_of(binding_id)

    def _decline(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        self.bindings[binding_id] = bindings.evolve(binding, bindings.decline(binding, self.now))
        self._fold(binding.beneficiary, SponsorUnlinked(binding=binding_id))
        return self._status_of(binding_id)

    def _change(self, step: Step) -> Outcome:
        assert step.offer is not None
        binding_id, binding = self._binding(step)
        to = offer_of(step.offer)
        event = bindings.change_grant(binding, self.now, to.uses, to.caps, to.valid_until)
        self.bindings[binding_id] = bindings.evolve(binding, event)
        return self._status_of(binding_id)

    def _release(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        terms = self._side(binding.sponsor).edition.binding
        by = _person_id(step.by)
        event = bindings.release(binding, terms, by=by, reason="told", now=self.now)
        self.bindings[binding_id] = bindings.evolve(binding, event)
        if event.last_on is None:
            self._fold(binding.beneficiary, SponsorUnlinked(binding=binding_id))
            self._fold(binding.sponsor, BeneficiaryUnlinked(binding=binding_id))
        return self._status_of(binding_id)

    def _binding(self, step: Step) -> tuple[StreamId, Binding]:
        binding_id = self.names[step.binding]
        return binding_id, self.bindings[binding_id]

    def _status_of(self, binding_id: StreamId) -> Outcome:
        return Outcome(status=self.bindings[binding_id].status_at(self.now))

    def _set_order(self, step: Step) -> Outcome:
        account_id = _person_id(step.who)
        account = self.accounts[account_id]
        named = [self.names.get(f"{s}>{step.who}", StreamId(s)) for s in step.sponsors]
        self._fold(account_id, orders.change_order(account, named, account.order_version))
        return Outcome()

    # ------------------------------------------------------------ bills

    def _bill(self, step: Step, *, keeps: bool) -> Outcome:
        assert self.designated is not None
        check_designated(evolve(None, self.designated))
        family = self._family(_person_id(step.who))
        place = Place(
            self.designated.code,
            self.designated.region,
            self.designated.kind,
            step.med_type,
            is_filed=False,
        )
        claim = claim_of(step, family.account_id, self.now)
        split = settlements.split_claim(claim, family, place, self.now)
        reasons = settlements.reasons_of(split)
        if keeps:
            self._keep(claim, split)
        return Outcome(
            own=told(split.payers[0]),
            aid=tuple(told(share) for share in split.payers[1:]),
            cash=yuan(split.cash_fen),
            reasons=tuple(reasons),
        )

    def _family(self, account_id: StreamId) -> Family:
        account = self.accounts[account_id]
        sponsors = {
            link.sponsor: Sponsor(
                link,
                self.accounts[link.sponsor],
                self.bindings[link.binding],
                self._edition(self.accounts[link.sponsor].region),
            )
            for link in account.sponsors
        }
        invitations = tuple((b, self.bindings[b]) for b, _ in account.invitations)
        return Family(account_id, account, self._edition(account.region), sponsors, invitations)

    def _keep(self, claim: Claim, split: Split) -> None:
        self.settled += 1
        settled = Settled(
            claim=claim,
            place_region="",
            editions={},
            read={},
            payers=split.payers,
            reasons=(),
            own_fen=split.own_fen,
            aid_fen=split.aid_fen,
            cash_fen=split.cash_fen,
            own_after_fen=None,
            changed=False,
            settled_at=self.now.at,
            on=self.now.on,
        )
        for account_id, event in settlements.debits_of(StreamId(f"stl_{self.settled}"), settled):
            self._fold(account_id, event)


def claim_of(step: Step, beneficiary: StreamId, now: Instant) -> Claim:
    """A step's bill as the rules meet it."""
    amounts = amounts_of(step)
    return Claim(
        beneficiary=beneficiary,
        institution=COUNTER,
        visit="visit",
        charge_batch="1",
        med_type=step.med_type,
        treated_at=now.at,
        total_fen=amounts.total_fen,
        fund_pay_fen=amounts.fund_pay_fen,
        use_account=step.use_account,
        lines=amounts.lines,
    )


def told(share: PayerShare) -> str:
    """What a payer gave, or why he gave nothing."""
    return share.reason or yuan(share.current_fen + share.prior_fen)


def _person_id(who: str) -> StreamId:
    return StreamId(f"acc_{who}")
