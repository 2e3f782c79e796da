"""Credential links of a case, as the doors call their use cases."""

import json
from collections.abc import Awaitable, Callable, Mapping

from aggregates.vocabulary import StreamId
from service.account.authoriser_codes import show_authoriser_code
from service.caller import Request
from service.context import ServiceContext
from service.credential_link import activation, closure, codes, confirmation, opening, review
from service.ledger.command import Reply
from tests.cases.reading import Step
from tests.cases.world import Outcome

RequestBy = Callable[[str, str], Request]
"""A request of somebody's, under a key or one of its own."""

Verb = Callable[[ServiceContext, Step, Mapping[str, Outcome]], Awaitable[Reply]]


class ServiceLinks:
    """The links that answers named."""

    def __init__(self, request_by: RequestBy) -> None:
        """Begin without links."""
        self._request_by = request_by
        self._ids: dict[str, StreamId] = {}
        self.verbs: dict[str, Verb] = {
            "link": self.link,
            "agree": self.agree,
            "judge": self.judge,
            "activate": self.activate,
            "show": self.show,
            "unlink": self.unlink,
        }

    def id_of(self, name: str) -> StreamId:
        """The link of that name."""
        return self._ids[name]

    async def link(self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]) -> Reply:
        """Let `by` show the code of `who`."""
        command = opening.OpenLink(
            guardian=step.by,
            member=step.who,
            relation=step.relation,
            evidence=step.proof,
            reference=step.reference or "HK-1",
        )
        reply = await opening.open_link(context, self._request_by(step.by, step.key), command)
        if reply.refusal is None:
            self._ids[f"{step.by}>{step.who}"] = json.loads(reply.answer)["link_id"]
        return reply

    async def agree(self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]) -> Reply:
        """The member agrees, or whoever `by` names for him."""
        request = self._request_by(step.by or step.link.partition(">")[2], step.key)
        return await confirmation.confirm_link(context, request, self._ids[step.link])

    async def judge(self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]) -> Reply:
        """An agency looks at the evidence; a status of "reject" is its no."""
        verdict = review.Review(is_approved=step.status != "reject", reason="told")
        request = self._request_by("agency", step.key)
        return await review.review_link(context, request, self._ids[step.link], verdict)

    async def activate(
        self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]
    ) -> Reply:
        """The guardian takes the link into use."""
        request = self._request_by(step.by or step.link.partition(">")[0], step.key)
        return await activation.activate_link(context, request, self._ids[step.link])

    async def show(self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]) -> Reply:
        """Show a code."""
        request = self._request_by(step.by or step.link.partition(">")[0], step.key)
        if not step.link:
            return await show_authoriser_code(context, request)
        return await codes.show_code(context, request, self._ids[step.link])

    async def unlink(self, context: ServiceContext, step: Step, _: Mapping[str, Outcome]) -> Reply:
        """Close a link."""
        request = self._request_by(step.by or step.link.partition(">")[0], step.key)
        return await closure.close_link(context, request, self._ids[step.link], "told")
