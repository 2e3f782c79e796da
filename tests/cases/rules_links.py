"""Credential links of a case on the rules alone."""

from datetime import date

from aggregates.account.decisions import show_code
from aggregates.binding.kinship import is_minor
from aggregates.credential_link import decisions as rules
from aggregates.credential_link.decisions import ExistingLinks, LinkRequest
from aggregates.credential_link.evidence import RelationCheck
from aggregates.credential_link.link import Link, evolve
from aggregates.vocabulary import Relation, StreamId
from service.person.kin import traits_in
from tests.cases.reading import Step
from tests.cases.rules_world import RulesWorld, person_id
from tests.cases.step_commands import cert_no
from tests.cases.world import Outcome


class RulesLinks:
    """The links of a world, and the codes that were shown."""

    def __init__(self, world: RulesWorld) -> None:
        """Begin without links."""
        self._world = world
        self._links: dict[str, Link] = {}
        self._codes: dict[str, tuple[str, str]] = {}
        self.own_codes: dict[str, str] = {}

    def link(self, step: Step) -> Outcome:
        """Let `by` show the code of `who`."""
        guardian, member = person_id(step.by), person_id(step.who)
        asked = LinkRequest(
            guardian=guardian,
            member=member,
            relation=step.relation,
            evidence=step.proof,
            reference=step.reference or "HK-1",
            born_on=self._born_on(member),
            check=RelationCheck(
                is_kin=self._registered(guardian, member) is not None,
                is_parent=self._is_parent(guardian, member),
                is_verified=None,
            ),
        )
        accounts = self._world.accounts[guardian], self._world.accounts[member]
        opened = rules.open_link(asked, accounts, self._held(guardian, member), self._world.now)
        return self._keep(f"{step.by}>{step.who}", evolve(None, opened))

    def _keep(self, name: str, link: Link) -> Outcome:
        self._links[name] = link
        return Outcome(status=link.status_of(self._born_on(link.member), self._world.now.on))

    def _born_on(self, who: StreamId) -> date | None:
        return traits_in(cert_no(self._world.people[who], 0)).born_on

    def _registered(self, person: StreamId, relative: StreamId) -> Relation | None:
        kinship = self._world.relatives.get(person)
        return kinship.relation_of(relative) if kinship else None

    def _is_parent(self, who: StreamId, child: StreamId) -> bool:
        if self._registered(child, who) is not Relation.PARENT:
            return False
        return is_minor(self._born_on(child), self._world.now.on)

    def _held(self, guardian: StreamId, member: StreamId) -> ExistingLinks:
        live = {
            name: link
            for name, link in self._links.items()
            if link.guardian == guardian and link.closed_at is None
        }
        pair = next((StreamId(name) for name, link in live.items() if link.member == member), None)
        return ExistingLinks(pair, {link.slot for link in live.values()})

    def agree(self, step: Step) -> Outcome:
        """The member agrees, or whoever `by` names for him."""
        link = self._links[step.link]
        accounts = self._world.accounts[link.guardian], self._world.accounts[link.member]
        born_on, now = self._born_on(link.member), self._world.now
        is_own = person_id(step.by or step.link.partition(">")[2]) == link.member
        confirmed = rules.confirm_link(link, accounts, born_on, now, is_own=is_own)
        return self._keep(step.link, evolve(link, confirmed))

    def judge(self, step: Step) -> Outcome:
        """An agency looks at the evidence; a status of "reject" is its no."""
        link = self._links[step.link]
        born_on, now = self._born_on(link.member), self._world.now
        is_approved = step.status != "reject"
        event = rules.review_link(link, born_on, now, is_approved=is_approved, reason="told")
        return self._keep(step.link, evolve(link, event))

    def activate(self, step: Step) -> Outcome:
        """The guardian takes the link into use."""
        link = self._links[step.link]
        is_parent = self._is_parent(link.guardian, link.member)
        born_on, now = self._born_on(link.member), self._world.now
        event = rules.activate_link(link, born_on, now, is_parent=is_parent)
        return self._keep(step.link, link if event is None else evolve(link, event))

    def show(self, step: Step) -> Outcome:
        """Show a code; the rules know its digest alone."""
        if not step.link:
            return self._show_own(step)
        link = self._links[step.link]
        accounts = self._world.accounts[link.guardian], self._world.accounts[link.member]
        digest = f"code {len(self._codes)}"
        rules.check_active(link, self._born_on(link.member), self._world.now.on)
        shown = rules.show_code(link, accounts, digest, self._world.now)
        self._links[step.link] = evolve(link, shown)
        self._codes[step.as_] = step.link, digest
        return Outcome(code=digest)

    def _show_own(self, step: Step) -> Outcome:
        """A sponsor shows his own code."""
        account_id, digest = person_id(step.by), f"code {len(self.own_codes)} of {step.by}"
        shown = show_code(self._world.accounts[account_id], digest, self._world.now)
        self._world.fold(account_id, shown)
        self.own_codes[step.as_] = digest
        return Outcome(code=digest)

    def unlink(self, step: Step) -> Outcome:
        """Close a link."""
        link = self._links[step.link]
        by = person_id(step.by or step.link.partition(">")[0])
        closed = rules.close(link, by=by, reason="told", now=self._world.now)
        return self._keep(step.link, evolve(link, closed))

    def patient_of(self, step: Step) -> StreamId:
        """Whose bill it is: whose code was shown, or who is named."""
        if not step.shown:
            return person_id(step.who)
        name, digest = self._codes[step.shown]
        link = self._links[name]
        return rules.patient_of(link, digest, self._born_on(link.member), self._world.now)
