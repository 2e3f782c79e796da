"""Credential links of a case on the rules alone."""

from aggregates import credential_link as rules
from aggregates.credential_link import Asked, Held, Link
from aggregates.vocabulary import LinkStatus, StreamId
from service.binding.kinship import traits_in
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

    def link(self, step: Step) -> Outcome:
        """Let `by` show the code of `who`."""
        guardian, member = person_id(step.by), person_id(step.who)
        born_on = traits_in(cert_no(self._world.people[member], 0)).born_on
        asked = Asked(
            guardian=guardian,
            member=member,
            relation=step.relation,
            evidence=step.proof,
            reference=step.reference or "HK-1",
            born_on=born_on,
        )
        accounts = self._world.accounts[guardian], self._world.accounts[member]
        opened = rules.open_link(asked, accounts, self._held(guardian, member), self._world.now)
        link = self._links[f"{step.by}>{step.who}"] = rules.evolve(None, opened)
        return Outcome(status=link.status)

    def _held(self, guardian: StreamId, member: StreamId) -> Held:
        live = {
            name: link
            for name, link in self._links.items()
            if (link.guardian, link.status) == (guardian, LinkStatus.ACTIVE)
        }
        pair = next((StreamId(name) for name, link in live.items() if link.member == member), None)
        return Held(pair, {link.slot for link in live.values()})

    def show(self, step: Step) -> Outcome:
        """Show a code; the rules know its digest alone."""
        link = self._links[step.link]
        accounts = self._world.accounts[link.guardian], self._world.accounts[link.member]
        digest = f"code {len(self._codes)}"
        shown = rules.show_code(link, accounts, digest, self._world.now)
        self._links[step.link] = rules.evolve(link, shown)
        self._codes[step.as_] = step.link, digest
        return Outcome(code=digest)

    def unlink(self, step: Step) -> Outcome:
        """Close a link."""
        link = self._links[step.link]
        by = person_id(step.by or step.link.partition(">")[0])
        closed = rules.close(link, by=by, reason="told", now=self._world.now)
        link = self._links[step.link] = rules.evolve(link, closed)
        return Outcome(status=link.status)

    def patient_of(self, step: Step) -> StreamId:
        """Whose bill it is: whose code was shown, or who is named."""
        if not step.shown:
            return person_id(step.who)
        name, digest = self._codes[step.shown]
        return rules.patient_of(self._links[name], digest, self._world.now)
