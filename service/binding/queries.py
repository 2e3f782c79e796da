"""Lists of bindings."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from aggregates.vocabulary import BindingStatus, Instant, StreamId
from projections import binding as binding_views
from projections.binding import BindingFilter, BindingRow
from service.binding.naming import names_of_sides
from service.binding.parties import Parties, may_know
from service.caller import Caller, Role, check_role
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.person.lookup import account_of
from service.person.masking import persons_of
from service.read_models.reader import PageRequest, PageResult, ReadModels, reach
from service.serializers import caps_answer, day
from service.vault import Personal


class BindingsQuery(NamedTuple):
    """A filter of bindings: by status, and by person number."""

    status: str | None
    person_no: str | None


async def bindings(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    query: BindingsQuery,
    page_request: PageRequest,
) -> PageResult:
    """The bindings a caller may see: a person's own, the agency's region's, or all.

    With a person number those of one person: a minor child, a person of the region.

    Raises:
        UnknownError: no such person, or not the caller's; CursorInvalidError: not a cursor;
        ValueError: no such status.
    """
    status, person_no = query
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    binding_filter = BindingFilter(
        context.clock(),
        BindingStatus(status) if status else None,
        page_request.cursor,
        page_request.limit,
    )
    position = await reach(context, read_models, page_request, binding_views.TABLE)
    if person_no is not None or caller.role is Role.PERSON:
        account_id = await account_of(context, caller, person_no or caller.subject)
        page = await binding_views.of_party(read_models.pool, account_id, binding_filter)
    elif caller.role is Role.AGENCY and caller.region is not None:
        page = await binding_views.of_region(read_models.pool, caller.region, binding_filter)
    else:
        page = await binding_views.of_all(read_models.pool, binding_filter)
    hidden = await _hidden(context, caller, page.rows)
    sides = [side for row in page.rows for side in (row.sponsor, row.beneficiary)]
    persons = await persons_of(context, sides)
    items = [
        _binding(caller, row, persons, names_beneficiary=row.binding not in hidden)
        | (_evidence(row) if caller.role is not Role.PERSON else {})
        for row in page.rows
    ]
    return PageResult(items, page.next, position)


async def _hidden(context: ServiceContext, caller: Caller, rows: Sequence[BindingRow]) -> set[str]:
    """The bindings whose beneficiary the caller may not know to exist."""
    waiting = [row.binding for row in rows if row.active_from is None]
    if not waiting or caller.role is Role.AUDITOR:
        return set()

    def find_hidden(reads: ReadSet, _: Instant) -> set[str]:
        reads.need(waiting)
        bindings = {binding_id: reads.binding(binding_id) for binding_id in waiting}
        reads.need(binding.beneficiary for binding in bindings.values())
        return {
            binding_id
            for binding_id, binding in bindings.items()
            if not may_know(
                reads,
                context.vault,
                caller,
                Parties(binding.sponsor, binding.beneficiary),
                is_known=binding.is_known,
            )
        }

    return await context.read(caller, find_hidden)


def _evidence(row: BindingRow) -> dict[str, Any]:
    """What agencies and auditors see beside a binding."""
    return {
        "evidence": {"kind": row.evidence.lower(), "reference": row.evidence_reference},
        "review_until": day(row.review_until),
    }


def _binding(
    caller: Caller,
    row: BindingRow,
    persons: dict[StreamId, Personal | None],
    *,
    names_beneficiary: bool,
) -> dict[str, Any]:
    sponsor = persons.get(row.sponsor)
    beneficiary = persons.get(row.beneficiary) if names_beneficiary else None
    return {
        "binding_id": row.binding,
        "sponsor": sponsor and sponsor.person_no,
        "beneficiary": beneficiary and beneficiary.person_no,
        "relation": row.relation.lower(),
        "uses": list(row.uses),
        "caps": caps_answer(row.caps),
        "status": row.status,
        "valid_from": day(row.active_from or row.valid_from),
        "valid_until": day(row.valid_until),
        "version": row.version,
    } | names_of_sides(caller, (sponsor, beneficiary), row.relation)
