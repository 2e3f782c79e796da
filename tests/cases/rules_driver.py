"""Cases on the rules alone: events folded into dictionaries, no ledger and no service."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from functools import partial
from typing import cast

from aggregates.account.events import (
    BeneficiaryLinked,
    InvitationReceived,
    QuotaBegun,
    SponsorLinked,
    SponsorUnlinked,
)
from aggregates.binding import binding as bindings
from aggregates.binding import deduction_order as orders
from aggregates.binding.binding import Binding
from aggregates.binding.eligibility import Side, activation_of
from aggregates.binding.expiry import live_sponsors
from aggregates.binding.kinship import UNKNOWN_TRAITS, KinshipShown
from aggregates.binding.name_order import by_name
from aggregates.institution import check_designated, evolve
from aggregates.policy.choices import Activation, TieBreak
from aggregates.refusals import RefusalError
from aggregates.settlement import settlement as settlements
from aggregates.settlement.events import READING, Claim, PayerShare
from aggregates.settlement.family import Family, Sponsor
from aggregates.settlement.place_of_care import (
    PlaceOfCare,
    check_med_type,
    is_filed,
    person_classes,
)
from aggregates.vocabulary import (
    BindingStatus,
    CredentialProof,
    Instant,
    KinshipEvidence,
    Parting,
    StreamId,
)
from tests.cases.reading import Step, yuan
from tests.cases.rules_links import RulesLinks
from tests.cases.rules_refunds_and_holds import RulesLater
from tests.cases.rules_world import RulesWorld, person_id
from tests.cases.step_commands import amounts_of, kin_of, offer_of
from tests.cases.world import NotBuiltError, Outcome

COUNTER = StreamId("ins_1")


class RulesDriver(RulesWorld):
    """The rules, and what they decided so far."""

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self.names: dict[str, StreamId] = {}
        self.settled = 0
        self.links = RulesLinks(self)
        self.later = RulesLater(self)
        self.verbs: Mapping[str, Callable[[Step], Outcome]] = {
            "open": self.open,
            "credit": self.credit,
            "status": self.status,
            "flag": self.flag,
            "designate": self.designate,
            "clock": self.clock,
            "file": self.file,
            "relate": self.relate,
            "invite": self._invite,
            "confirm": self._confirm,
            "review": self._review,
            "decline": self._decline,
            "change": self._change,
            "release": self._release,
            "look": lambda step: self._status_of(self.names[step.binding]),
            "link": self.links.link,
            "agree": self.links.agree,
            "judge": self.links.judge,
            "activate": self.links.activate,
            "show": self.links.show,
            "unlink": self.links.unlink,
            "open_pool": self.open_pool,
            "to_pool": self.to_pool,
            "from_pool": self.from_pool,
            "set_order": self._set_order,
            "quote": partial(self._bill, keeps=False),
            "cancel": self.later.cancel,
            "refund": self.later.refund,
            "settle": partial(self._bill, keeps=True),
        }

    async def do(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        """Do one step; `before` is of no use here."""
        assert "" == step.quoted + step.key + step.credential, f"not for the rules: {before}"
        if step.do not in self.verbs:
            raise NotBuiltError(step.do)
        try:
            return self.verbs[step.do](step)
        except RefusalError as refusal:
            return Outcome(refused=type(refusal).code())

    # ------------------------------------------------------------ bindings

    def _invite(self, step: Step) -> Outcome:
        assert step.offer is not None
        sponsor, beneficiary = (
            self.side(person_id(who)) for who in (step.offer.sponsor, step.offer.beneficiary)
        )
        parties = sponsor.account_id, beneficiary.account_id
        relatives = self.relatives.get(parties[0])
        registered = relatives.relation_of(parties[1]) if relatives else None
        kin = kin_of(step.offer, registered, self.people[parties[0]], self.people[parties[1]])
        if registered is None:  # a stranger's ID number is read when he agrees
            traits = (kin.shown.traits[0], UNKNOWN_TRAITS)
            kin = replace(kin, shown=kin.shown._replace(traits=traits))
        sent = bindings.invite(offer_of(step.offer), kin, sponsor, beneficiary, self.now)
        name = f"{step.offer.sponsor}>{step.offer.beneficiary}"
        binding_id = self.names[name] = StreamId(f"bnd_{len(self.bindings):04}")
        binding = bindings.evolve(None, sent)
        if sent.evidence is KinshipEvidence.PROMISE:
            self.promised.add(binding_id)
        self.bindings[binding_id] = replace(binding, is_known=registered is not None)
        received = InvitationReceived(binding=binding_id, sponsor=sponsor.account_id)
        self.fold(beneficiary.account_id, received)
        activation = activation_of(sponsor.edition.binding, sent.relation)
        if binding.status is BindingStatus.INVITED and activation is Activation.SPONSOR_ONLY:
            return self._confirm(Step(do="confirm", binding=name))
        return self._status_of(binding_id)

    def _review(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        terms = self.side(binding.sponsor).edition.binding
        is_approved = step.status != "reject"
        event = bindings.review(binding, terms, self.now, is_approved=is_approved, reason="told")
        self.bindings[binding_id] = bindings.evolve(binding, event)
        if not is_approved:
            self.fold(binding.beneficiary, SponsorUnlinked(binding=binding_id))
        elif binding.is_known and activation_of(terms, binding.relation) is Activation.SPONSOR_ONLY:
            return self._confirm(Step(do="confirm", binding=step.binding))
        return self._status_of(binding_id)

    def _confirm(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        relatives = self.relatives.get(binding.sponsor)
        registered = relatives.relation_of(binding.beneficiary) if relatives else None
        traits = [self.traits_of(side) for side in (binding.sponsor, binding.beneficiary)]
        shown = KinshipShown(None, None, registered, (traits[0], traits[1]))
        bindings.check_kin(binding, shown, self.now)
        sponsor, beneficiary = self.side(binding.sponsor), self.side(binding.beneficiary)
        confirmed = bindings.confirm(binding, sponsor, beneficiary, self.now)
        self.bindings[binding_id] = bindings.evolve(binding, confirmed)
        linked = SponsorLinked(
            binding=binding_id,
            sponsor=binding.sponsor,
            relation=binding.relation,
            parent=binding.parent,
            linked_at=confirmed.confirmed_at,
            by_name=self._by_name(beneficiary, (binding_id, binding.sponsor)),
        )
        mine = BeneficiaryLinked(
            binding=binding_id,
            beneficiary=binding.beneficiary,
            relation=binding.relation,
            parent=binding.parent,
        )
        self.fold(binding.beneficiary, linked)
        self.fold(binding.sponsor, mine)
        account = self.accounts[binding.beneficiary]
        ranked = orders.order_at_binding(
            account, account.sponsors, binding_id, binding.rank, beneficiary.edition
        )
        if ranked is not None:
            self.fold(binding.beneficiary, ranked)
        if step.sponsors:
            who = step.binding.partition(">")[2]
            self._set_order(Step(do="set_order", who=who, sponsors=step.sponsors))
        if binding.caps.quota_fen is not None:
            self.fold(binding.sponsor, QuotaBegun(binding=binding_id))
        return self._status_of(binding_id)

    def _by_name(self, side: Side, new: tuple[StreamId, StreamId]) -> tuple[StreamId, ...]:
        if side.edition.order.tie_break is not TieBreak.NAME_PINYIN:
            return ()
        bound = [(link.binding, link.sponsor) for link in side.account.sponsors]
        named = {b: self.people[sponsor].name or sponsor for b, sponsor in (*bound, new)}
        return by_name(named)

    def _decline(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        self.bindings[binding_id] = bindings.evolve(binding, bindings.decline(binding, self.now))
        self.fold(binding.beneficiary, SponsorUnlinked(binding=binding_id))
        return self._status_of(binding_id)

    def _change(self, step: Step) -> Outcome:
        assert step.offer is not None
        binding_id, binding = self._binding(step)
        to = offer_of(step.offer)
        caps = cast("bindings.CapsChange", asdict(to.caps))
        event = bindings.change_grant(binding, self.now, to.uses, caps, to.valid_until)
        links = self.accounts[binding.sponsor].beneficiaries
        begun = any(b.quota_used_fen is not None for b in links if b.binding == binding_id)
        if event.caps.quota_fen is not None and not begun:
            self.fold(binding.sponsor, QuotaBegun(binding=binding_id))
        self.bindings[binding_id] = bindings.evolve(binding, event)
        return self._status_of(binding_id)

    def _release(self, step: Step) -> Outcome:
        binding_id, binding = self._binding(step)
        sponsor = self.side(binding.sponsor)
        by = person_id(step.by)
        event = bindings.release(binding, sponsor, by=by, reason="told", now=self.now)
        self.bindings[binding_id] = bindings.evolve(binding, event)
        if event.last_on is None:
            was_active = binding.status is BindingStatus.ACTIVE
            self.part(binding_id, Parting.RELEASED if was_active else None, self.now.on)
        return self._status_of(binding_id)

    def _binding(self, step: Step) -> tuple[StreamId, Binding]:
        binding_id = self.names[step.binding]
        return binding_id, self.bindings[binding_id]

    def _status_of(self, binding_id: StreamId) -> Outcome:
        binding = self.bindings[binding_id]
        status, account = binding.status_at(self.now), self.accounts[binding.beneficiary]
        terms = self.edition(account.region).order
        live = live_sponsors(account, self.bindings.__getitem__, self.now)
        is_asked = status == "active" and orders.is_order_asked(account, live, terms)
        return Outcome(status=status, reasons=("ORDER_NOT_SET",) if is_asked else ())

    def _set_order(self, step: Step) -> Outcome:
        account_id = person_id(step.who)
        account = self.accounts[account_id]
        named = [self.names.get(f"{s}>{step.who}", StreamId(s)) for s in step.sponsors]
        live = live_sponsors(account, self.bindings.__getitem__, self.now)
        current = orders.current_order(account, live).version
        version = current if step.version is None else step.version
        changed = orders.change_order(account, live, named, version)
        if step.by and step.by not in (step.who, "agency"):
            changed = orders.moved_by(account, live, person_id(step.by), changed, step.rank)
        self.fold(account_id, changed)
        return Outcome()

    # ------------------------------------------------------------ bills

    def _bill(self, step: Step, *, keeps: bool) -> Outcome:
        assert self.designated is not None
        check_med_type(step.med_type)
        check_designated(evolve(None, self.designated))
        family = self._family(self.links.patient_of(step))
        region = self.designated.region
        place = PlaceOfCare(
            institution=self.designated.code,
            region=region,
            kind=self.designated.kind,
            med_type=step.med_type,
            opened_regions=self.designated.opened_regions,
            is_filed=is_filed(family.account, region, self.now.on),
            person_classes=person_classes(family.account, region, self.now.on),
            is_home=region == family.account.region,
            reading=READING,
        )
        claim = claim_of(step, family.account_id, self.now)
        claim = replace(claim, authoriser_code=self.links.own_codes.get(step.authoriser))
        claim_split = settlements.split_claim(claim, family, place, self.now)
        split = claim_split.split
        if keeps:
            self._keep(step.as_, claim_split)
        return Outcome(
            own=told(split.payers[0]),
            aid=tuple(told(share) for share in split.payers[1:]),
            cash=yuan(split.cash_fen),
            reasons=claim_split.reasons,
        )

    def _family(self, account_id: StreamId) -> Family:
        account = self.accounts[account_id]
        sponsors = {
            link.sponsor: Sponsor(
                link,
                self.accounts[link.sponsor],
                self.bindings[link.binding],
                self.edition(self.accounts[link.sponsor].region),
                self.pools.get(self.accounts[link.sponsor].pool or StreamId("")),
            )
            for link in account.sponsors
        }
        invitations = tuple((b, self.bindings[b]) for b, _ in account.invitations)
        return Family(account_id, account, self.edition(account.region), sponsors, invitations)

    def _keep(self, name: str, claim_split: settlements.ClaimSplit) -> None:
        self.settled += 1
        settled = settlements.settled_of(claim_split, {}, self.now)
        settlement_id = StreamId(f"stl_{self.settled}")
        for account_id, event in settlements.debits_of(settlement_id, settled):
            self.fold(account_id, event)
        self.later.keep(name, settlement_id, settled)


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
        credential=None,
        proven_by=CredentialProof.CODE if step.shown else CredentialProof.NONE,
        reading=READING,
        use_aid=step.use_aid,
    )


def told(share: PayerShare) -> str:
    """What a payer gave, or why he gave nothing."""
    return share.reason or yuan(share.current_fen + share.prior_fen)
