"""Premiums of a case over HTTP, with the tax side on a socket of its own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import httpx

from tests.cases.outcome import refused, split
from tests.cases.reading import Step
from tests.cases.world import Outcome


class Taxed(Protocol):
    """A service with a tax side that a case may spoil."""

    async def behave(self, word: str) -> None:
        """Let the tax side behave like this from now on."""
        ...

    async def resolve(self) -> None:
        """Take on every premium that the tax side has not answered."""
        ...


class HttpPremiums:
    """The requests about premiums."""

    def __init__(self, send: Callable[..., Awaitable[httpx.Response]], server: Taxed) -> None:
        """Send with a driver's calls."""
        self._send = send
        self._server = server
        self.verbs: Mapping[str, Callable[[Step, Mapping[str, Outcome]], Awaitable[Outcome]]] = {
            "premium": self._pay,
            "reverse_premium": self._reverse,
            "look_premium": self._look,
            "tax": self._behave,
            "resolve": self._resolve,
        }

    async def _pay(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        body = {"payee": step.who, "insurance": step.insurance.lower(), "year": step.year}
        if step.tier is not None:
            body["tier"] = step.tier
        return _told(await self._send("POST", "/v1/premiums", _who(step.by), body, step.key))

    async def _reverse(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        path = f"/v1/premiums/{before[step.of].subject}/reversal"
        return _told(await self._send("POST", path, _who(step.by), {"reason": "told"}, step.key))

    async def _look(self, step: Step, before: Mapping[str, Outcome]) -> Outcome:
        path = f"/v1/premiums/{before[step.of].subject}"
        return _told(await self._send("GET", path, _who(step.by or "agency")))

    async def _behave(self, step: Step, _: Mapping[str, Outcome]) -> Outcome:
        await self._server.behave(step.behaviour)
        return Outcome()

    async def _resolve(self, _: Step, __: Mapping[str, Outcome]) -> Outcome:
        await self._server.resolve()
        return Outcome()


def _who(by: str) -> tuple[str, str]:
    return ("agency", "agency") if by == "agency" else ("person", by)


def _told(response: httpx.Response) -> Outcome:
    """An answer, where 202 is exactly what waits; or a problem by its code."""
    answer = response.json()
    if not response.is_success:
        code = answer["code"]
        return refused("UNKNOWN" if code == "NOT_FOUND" else code, answer)
    waits = answer["status"] in {"held", "sent_to_tax", "unknown", "reverse_requested"}
    assert waits == (202 == response.status_code) or response.request.method == "GET", answer
    return split(answer)
