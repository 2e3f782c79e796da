"""Queries."""

from typing import Any, NamedTuple

from aggregates.vocabulary import BindingStatus, StreamId
from projections import binding as binding_views
from projections.binding import BindingRow, Wanted
from service.caller import Caller, Role, check_role
from service.context import House
from service.person.lookup import account_of
from service.person.masking import persons_of
from service.read_models.reader import Asked, Listed, Shelf, reach
from service.serializers import caps_answer, day


class BindingsQuery(NamedTuple):
    """Which bindings are wanted: of a status, and of a person by his number."""

    status: str | None
    person_no: str | None


async def bindings(
    house: House, shelf: Shelf, caller: Caller, sought: BindingsQuery, asked: Asked
) -> Listed:
    """The bindings a caller may see: his own, his region's, or all for an auditor.

    With a person number those of one person: a child under age, a person of the region.

    Raises:
        UnknownError: nobody, or not the caller's; CursorInvalidError: not a cursor; ValueError:
        no such status.
    """
    status, person_no = sought
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    wanted = Wanted(
        house.clock(), BindingStatus(status) if status else None, asked.cursor, asked.limit
    )
    position = await reach(house, shelf, asked, binding_views.TABLE)
    if person_no is not None or caller.role is Role.PERSON:
        account_id = await account_of(house, caller, person_no or caller.subject)
        page = await binding_views.of_party(shelf.pool, account_id, wanted)
    elif caller.role is Role.AGENCY and caller.region is not None:
        page = await binding_views.of_region(shelf.pool, caller.region, wanted)
    else:
        page = await binding_views.of_all(shelf.pool, wanted)
    sides = [side for row in page.rows for side in (row.sponsor, row.beneficiary)]
    persons = await persons_of(house, sides)
    numbers = {stream: person and person.person_no for stream, person in persons.items()}
    return Listed([_binding(row, numbers) for row in page.rows], page.next, position)


def _binding(row: BindingRow, numbers: dict[StreamId, str | None]) -> dict[str, Any]:
    return {
        "binding_id": row.binding,
        "sponsor": numbers.get(row.sponsor),
        "beneficiary": numbers.get(row.beneficiary),
        "relation": row.relation.lower(),
        "uses": list(row.uses),
        "caps": caps_answer(row.caps),
        "status": row.status,
        "valid_from": day(row.active_from or row.valid_from),
        "valid_until": day(row.valid_until),
        "version": row.version,
    }
