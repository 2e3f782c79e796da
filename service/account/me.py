"""What the holder of a token is, and for a person: the own account, and what waits for him."""

from contextlib import suppress
from typing import Any, NamedTuple

from aggregates.account.state import Account, SponsorLink
from aggregates.binding import deduction_order as orders
from aggregates.binding.kinship import INVERSE
from aggregates.policy.choices import OrderStrategy
from aggregates.refusals import NoEditionError, UnknownError
from aggregates.vocabulary import BindingStatus, Instant, LinkStatus, Relation, StreamId
from projections import binding as binding_views
from projections import credential_link as link_views
from projections.binding import BindingFilter
from service.binding.deduction_order import live_sponsors_of
from service.caller import Caller, Role
from service.context import ServiceContext
from service.institution import find_institution
from service.ledger.read_set import ReadSet
from service.person.kin import traits_of
from service.person.lookup import find_person
from service.person.masking import masked
from service.person.unsealed import personal_of
from service.policy import edition_in_force
from service.read_models.reader import PageRequest, ReadModels, reach
from service.serializers import account_answer, day, moment
from service.vault import Vault

WAITING_MAX = 200
"""Invitations, documents and links that are looked at, each the newest."""
NOW = PageRequest(cursor=None, limit=WAITING_MAX, min_position=None)
EVERYWHERE = (Role.AGENCY, Role.AUDITOR)
"""Roles that are in every region where the token names none."""


class Pending(NamedTuple):
    """Bindings and links of a person that may wait for somebody."""

    bindings: tuple[StreamId, ...]
    links: tuple[StreamId, ...]


async def look_at_me(
    context: ServiceContext, read_models: ReadModels, caller: Caller
) -> tuple[dict[str, Any], int]:
    """Who the caller is, with the position in the log that it is as of.

    `account` and `institution` are None where the log does not know the caller.
    """
    pending = await _pending(context, read_models, caller)

    def query(reads: ReadSet, now: Instant) -> dict[str, Any]:
        me: dict[str, Any] = {
            "role": caller.role,
            "subject": caller.subject,
            "regions": [],
            "account": None,
            "institution": None,
            "waiting": [],
            "sponsors": [],
            "beneficiaries": [],
        }
        with suppress(UnknownError):
            if caller.role is Role.PERSON:
                return me | _Person(reads, context.vault, caller, now).answer(pending)
            if caller.role is Role.INSTITUTION:
                return me | _institution(reads, context.vault, caller)
        if caller.region is not None:
            return me | {"regions": [caller.region]}
        every = sorted(context.policies.regions()) if caller.role in EVERYWHERE else []
        return me | {"regions": every}

    return await context.read_at(caller, query)


def _institution(reads: ReadSet, vault: Vault, caller: Caller) -> dict[str, Any]:
    _, known = find_institution(reads, vault, caller, caller.subject)
    told = {"code": known.code, "name": known.name, "status": known.status}
    return {"regions": [known.region], "institution": told}


async def _pending(context: ServiceContext, read_models: ReadModels, caller: Caller) -> Pending:
    """Undecided bindings and links of a person; the log then says how they are now."""
    if caller.role is not Role.PERSON:
        return Pending((), ())
    name = context.vault.name("person_no", caller.subject)
    me = await context.read(caller, lambda reads, _: reads.find(name))
    if me is None:
        return Pending((), ())
    await reach(context, read_models, NOW, binding_views.TABLE, link_views.TABLE)
    bindings: list[StreamId] = []
    for status in (BindingStatus.INVITED, BindingStatus.IN_REVIEW):
        wanted = BindingFilter(context.clock(), status, None, WAITING_MAX)
        page = await binding_views.of_party(read_models.pool, me, wanted)
        bindings += [row.binding for row in page.rows]
    links = await link_views.of_party(read_models.pool, me, None, WAITING_MAX)
    asked = [link.link for link in links.rows if link.granted is LinkStatus.REQUESTED]
    return Pending(tuple(bindings), tuple(asked))


class _Person:
    """A person's own account, as one query reads it."""

    def __init__(self, reads: ReadSet, vault: Vault, caller: Caller, now: Instant) -> None:
        self.reads, self.vault, self.now = reads, vault, now
        self.person_no = caller.subject
        self.me = find_person(reads, vault, caller.subject)
        self.account: Account = reads.account(self.me)

    def answer(self, pending: Pending) -> dict[str, Any]:
        account, ties = self.account, self.account.beneficiaries
        self.reads.need([*pending.bindings, *pending.links, *(tie.binding for tie in ties)])
        live = live_sponsors_of(self.reads, account, self.now)
        own = personal_of(self.reads, self.vault, self.me)
        shown = account_answer(account, self.reads.version(self.me), self.now)
        return {
            "regions": [account.region],
            "account": {"person_no": self.person_no, "name": own and own.name} | shown,
            "waiting": [*self._order_waiting(live), *self._waiting(pending)],
            "sponsors": self._sponsors(live),
            "beneficiaries": [
                self._tie(tie.binding, tie.beneficiary, tie.relation)
                for tie in ties
                if self.reads.binding(tie.binding).status_at(self.now) is BindingStatus.ACTIVE
            ],
        }

    def _sponsors(self, live: tuple[SponsorLink, ...]) -> list[dict[str, Any]]:
        """The sponsors in their paying order; `rank` is None before an order is set."""
        ordered = orders.current_order(self.account, live).sponsors
        return [
            self._tie(link.binding, link.sponsor, INVERSE.get(link.relation))
            | {"rank": None if ordered is None else rank}
            for rank, link in enumerate(live if ordered is None else ordered, 1)
        ]

    def _order_waiting(self, live: tuple[SponsorLink, ...]) -> list[dict[str, Any]]:
        """The order that the region asks the patient for, while nobody has set it."""
        try:
            edition = edition_in_force(self.reads, self.vault, self.account.region, self.now)
        except NoEditionError:
            return []
        is_his = edition.order.order_strategy is OrderStrategy.BENEFICIARY_SET
        if not (is_his and orders.is_order_asked(self.account, live, edition.order)):
            return []
        return [{"kind": "order", "id": None, "until": None} | NOBODY]

    def _waiting(self, pending: Pending) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for binding_id in pending.bindings:
            binding = self.reads.binding(binding_id)
            status, is_sponsor = binding.status_at(self.now), binding.sponsor == self.me
            other = binding.beneficiary if is_sponsor else binding.sponsor
            to_you = binding.relation if is_sponsor else INVERSE.get(binding.relation)
            if status is BindingStatus.IN_REVIEW:
                kind, until = "document_review", day(binding.review_until)
            elif status is BindingStatus.INVITED and not is_sponsor:
                kind, until = "invitation", moment(binding.expires_at)
            else:
                continue
            is_open = binding.is_known or not is_sponsor
            told = self._who(other, to_you) if is_open else NOBODY
            found.append({"kind": kind, "id": binding_id, "until": until} | told)
        for link_id in pending.links:
            link = self.reads.link(link_id)
            born_on = traits_of(self.reads, self.vault, link.member).born_on
            is_asked = link.status_of(born_on, self.now.on) is LinkStatus.REQUESTED
            if link.member == self.me and is_asked:
                told = self._who(link.guardian, INVERSE.get(link.relation))
                found.append({"kind": "link", "id": link_id, "until": None} | told)
        return found

    def _tie(self, binding: StreamId, other: StreamId, relation: Relation | None) -> dict[str, Any]:
        return {"binding_id": binding} | self._who(other, relation)

    def _who(self, other: StreamId, to_you: Relation | None) -> dict[str, Any]:
        person = personal_of(self.reads, self.vault, other)
        return {
            "person_no": person and person.person_no,
            "name": person and masked(person.name),
            "relation_to_you": None if to_you is None else to_you.lower(),
        }


NOBODY: dict[str, Any] = {"person_no": None, "name": None, "relation_to_you": None}
"""Of what waits without another person, and of a person whom the reader may not know."""
