"""Credential links of a case over HTTP."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from tests.cases.reading import Step
from tests.cases.world import Outcome

Post = Callable[[str, str, object, str], Awaitable[Outcome]]
"""A POST to a path by somebody, under a key or one of its own."""


Verb = Callable[[Step, Mapping[str, Outcome]], Awaitable[Outcome]]


class HttpLinks:
    """The links that answers named."""

    def __init__(self, post: Post) -> None:
        """Begin without links."""
        self._post = post
        self._ids: dict[str, str] = {}
        self.verbs: dict[str, Verb] = {
            "link": self.link,
            "agree": self.agree,
            "judge": self.judge,
            "activate": self.activate,
            "show": self.show,
            "unlink": self.unlink,
        }

    async def link(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """Let `by` show the code of `who`."""
        proof = {"kind": step.proof.lower(), "reference": step.reference or "HK-1"}
        body = {"member": step.who, "relation": step.relation.lower(), "evidence": proof}
        outcome = await self._post("/v1/credential-links", step.by, body, step.key)
        if outcome.refused is None:
            self._ids[f"{step.by}>{step.who}"] = outcome.subject
        return outcome

    async def agree(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """The member agrees, or whoever `by` names for him."""
        by = step.by or step.link.partition(">")[2]
        return await self._at(replace(step, by=by), "confirmation", {})

    async def judge(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """An agency looks at the evidence; a status of "reject" is its no."""
        body = {"decision": "reject" if step.status == "reject" else "approve", "reason": "told"}
        return await self._at(replace(step, by="agency"), "review", body)

    async def activate(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """The guardian takes the link into use."""
        return await self._at(step, "activation", {})

    async def show(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """Show a code."""
        if not step.link:
            return await self._post(f"/v1/accounts/{step.by}/codes", step.by, {}, step.key)
        return await self._at(step, "codes", {})

    async def unlink(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        """Close a link."""
        return await self._at(step, "closure", {"reason": "told"})

    async def _at(self, step: Step, word: str, body: object) -> Outcome:
        by = step.by or step.link.partition(">")[0]
        path = f"/v1/credential-links/{self._ids[step.link]}/{word}"
        return await self._post(path, by, body, step.key)


def identity_of(named: tuple[str, str]) -> dict[str, str]:
    """How somebody is named at the counter."""
    return dict(zip(("type", "value"), named, strict=True))
