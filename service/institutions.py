"""Designate institutions, and look at them."""

from dataclasses import dataclass
from typing import Any

from pydantic_core import to_json

from aggregates.institution import Institution, evolve
from aggregates.refusals import UnknownError
from aggregates.settlement_events import InstitutionDesignated
from aggregates.vocabulary import Instant, InstitutionKind, InstitutionStatus
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Designate:
    """An institution's particulars and whether its agreement is in force."""

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool


async def designate(house: House, request: Request, command: Designate) -> Reply:
    """Put an institution under agreement, or change its particulars or status."""
    check_role(request.caller, Role.AGENCY)
    name = house.keys.name("institution", command.code)

    def decide(view: View, now: Instant) -> Decision:
        if request.caller.region not in (None, command.region):
            raise UnknownError(what="region")
        stream = view.find(name)
        version = 0
        if stream is not None:
            before = view.institution(stream)
            version = view.version(stream)
            if request.caller.region not in (None, before.region):
                raise UnknownError
        event = InstitutionDesignated(
            code=command.code,
            name=command.name,
            kind=command.kind,
            region=command.region,
            status=command.status,
            opened_regions=command.opened_regions,
            sensitive=command.sensitive,
        )
        answer = to_json(_answer(evolve(None, event), version + 1))
        if stream is not None:
            return Decision(answer=answer, events=[(stream, event)])
        stream = new_stream("ins", now.at)
        return Decision(answer=answer, events=[(stream, event)], takes={name: stream})

    return await house.do(request, decide)


async def look_at_institution(house: House, caller: Caller, code: str) -> Reply:
    """An institution as the log has it now: for itself, agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.AGENCY, Role.INSTITUTION, Role.AUDITOR)
    if caller.role is Role.INSTITUTION and caller.subject != code:
        raise UnknownError

    def decide(view: View, _: Instant) -> Decision:
        stream = view.find(house.keys.name("institution", code))
        if stream is None:
            raise UnknownError
        institution = view.institution(stream)
        if caller.role is Role.AGENCY and caller.region not in (None, institution.region):
            raise UnknownError
        return Decision(answer=to_json(_answer(institution, view.version(stream))))

    return await house.ask(caller, decide)


def _answer(institution: Institution, version: int) -> dict[str, Any]:
    return {
        "code": institution.code,
        "name": institution.name,
        "class": institution.kind,
        "region": institution.region,
        "status": institution.status,
        "opened_regions": list(institution.opened_regions),
        "sensitive": institution.sensitive,
        "version": version,
    }
