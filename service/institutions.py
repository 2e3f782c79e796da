"""Designate institutions, and look at them."""

from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic_core import to_json

from aggregates.institution import Institution, evolve
from aggregates.refusals import UnknownError
from aggregates.settlement_events import InstitutionDesignated
from aggregates.vocabulary import Instant, InstitutionKind, InstitutionStatus, StreamId
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View
from service.persons import Keys


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

    def decide(view: View, _: Instant) -> Decision:
        stream, institution = find_institution(view, house.keys, caller, code)
        return Decision(answer=to_json(_answer(institution, view.version(stream))))

    return await house.ask(caller, decide)


def find_institution(
    view: View, keys: Keys, caller: Caller, code: str
) -> tuple[StreamId, Institution]:
    """The institution of a code, for itself, its region's agency, the nation's, and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    if caller.role is Role.INSTITUTION and caller.subject != code:
        raise UnknownError
    stream = view.find(keys.name("institution", code))
    if stream is None:
        raise UnknownError
    institution = view.institution(stream)
    if caller.role is Role.AGENCY and caller.region not in (None, institution.region):
        raise UnknownError
    return stream, institution


class Seen(NamedTuple):
    """An institution as the log has it at an instant."""

    stream: StreamId
    institution: Institution
    now: Instant


async def see_institution(house: House, caller: Caller, code: str) -> Seen:
    """As `find_institution`, beside the log: all that was decided here before is in it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    seen: list[Seen] = []

    def decide(view: View, now: Instant) -> Decision:
        seen.append(Seen(*find_institution(view, house.keys, caller, code), now))
        return Decision(answer=b"")

    await house.ask(caller, decide)
    return seen[-1]


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
