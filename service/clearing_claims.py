"""An institution's application for a month's clearing (3203, 3204), kept under its message's key.

An agency clears by `clearing.clear`; the application moves nothing and is known by its key alone.
"""

from aggregates.institution import check_designated
from aggregates.refusals import InstitutionNotDesignatedError, UnknownError
from aggregates.vocabulary import Instant
from service.caller import Request, Role, check_role
from service.house import House
from service.ledger.command import Decision, Reply
from service.ledger.view import View

PROOF_SIZE = 20


async def claim(house: House, request: Request, name: str) -> Reply:
    """Apply under a name such as `202603:11`; the answer is the application's number.

    Raises:
        RefusalError: as `check_designated`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, _: Instant) -> Decision:
        _check(view, house, request)
        return Decision(answer=f'"{_number(house, request, name)}"'.encode())

    return await house.do(request, decide)


async def withdraw(house: House, request: Request, number: str) -> Reply:
    """Take an application back by its number.

    Raises:
        UnknownError: it is none of the caller's; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(view: View, _: Instant) -> Decision:
        _check(view, house, request)
        name = number[:-PROOF_SIZE].replace("T", ":")
        if not name or _number(house, request, name) != number:
            raise UnknownError
        return Decision(answer=b"{}")

    return await house.do(request, decide)


def _number(house: House, request: Request, name: str) -> str:
    """The name and a keyed digest of it, so that nobody can make one up."""
    digest = house.keys.sign(f"clearing\0{request.caller.name}\0{name}".encode())
    return name.replace(":", "T") + digest.hex()[:PROOF_SIZE].upper()


def _check(view: View, house: House, request: Request) -> None:
    stream = view.find(house.keys.name("institution", request.caller.subject))
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    check_designated(view.institution(stream))
