"""An account's statement: what moved its money, for whom and where, as far as its owner may see.

Of a beneficiary's bill a sponsor sees the amount, the day, the masked name and the class of the
institution (policy.md §6.2, S120). Of the owner's own bills the institution's name is shown.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.institution import Institution, names_institution
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import BindingStatus, StreamId
from projections.account import statement_entries as entry_models
from projections.account.statement_entries import StatementEntry
from projections.kit.paging import LIMIT_MAX, Page
from projections.kit.table import Table
from service.account.statement_text import EntrySource, InstitutionLabel, entry_text
from service.bilingual import Language
from service.caller import Caller, Role, check_role
from service.clock import rfc3339
from service.context import ServiceContext
from service.person.lookup import account_of
from service.person.masking import masked_names_of
from service.policy import editions_today
from service.read_models.reader import PageRequest, PageResult, ReadModels, only, reach, states_of
from service.serializers import signed_yuan

ReadPage = Callable[[StreamId, str | None, int], Awaitable[Page[dict[str, Any]]]]
"""Reads a page of an account's list from a cursor, of so many items at most."""


class StatementRequest(NamedTuple):
    """Whose list, which part of it, and in which language."""

    person_no: str
    page: PageRequest
    language: Language


async def entries(
    context: ServiceContext, read_models: ReadModels, caller: Caller, request: StatementRequest
) -> PageResult:
    """An account's statement, newest first; it raises as `read_list`."""

    async def read(account_id: StreamId, cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        rows, following = await entry_models.of_account(read_models.pool, account_id, cursor, limit)
        items = await shown_entries(context, account_id, rows, request.language)
        return Page(tuple(items), following)

    return await read_list(context, read_models, caller, request, entry_models.TABLE, read)


async def shown_entries(
    context: ServiceContext,
    account_id: StreamId,
    rows: Sequence[StatementEntry],
    language: Language,
) -> list[dict[str, Any]]:
    """Entries as their account's owner sees them."""
    bills = await _read_bills(context, account_id, rows)
    return [_entry(entry, bills.source(entry), language) for entry in rows]


async def read_list(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    request: StatementRequest,
    table: Table,
    read: ReadPage,
) -> PageResult:
    """As much of a person's list as is requested, read page by page from a read model.

    Raises:
        UnknownError: no such account, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    account_id = await account_of(context, caller, request.person_no)
    position = await reach(context, read_models, request.page, table)
    items: list[dict[str, Any]] = []
    cursor, limit = request.page.cursor, request.page.limit
    while True:
        rows, cursor = await read(account_id, cursor, min(limit - len(items), LIMIT_MAX))
        items += rows
        if cursor is None or len(items) >= limit:
            return PageResult(items, cursor, position)


class EntryContext(NamedTuple):
    """The bills of a page of entries: who was treated, where, and under which binding."""

    account: StreamId
    settlements: dict[StreamId, Settlement]
    bindings: dict[StreamId, Binding]
    institutions: dict[StreamId, Institution]
    names: dict[StreamId, str | None]
    shown: set[tuple[StreamId, StreamId]]

    def source(self, entry: StatementEntry) -> EntrySource:
        """What the owner may see of an entry's origin."""
        binding = self.bindings.get(entry.binding) if entry.binding else None
        beneficiary = self.names.get(binding.beneficiary) if binding else None
        settlement = self.settlements.get(entry.settlement) if entry.settlement else None
        if settlement is None or settlement.claim is None:
            return EntrySource(None, beneficiary)
        if entry.binding is None and settlement.claim.beneficiary != self.account:
            return EntrySource()  # another account's bill: this one is its successor
        institution = self.institutions[settlement.institution]
        is_shown = entry.binding is None or (entry.binding, settlement.institution) in self.shown
        return EntrySource(
            InstitutionLabel(institution.kind, institution.name if is_shown else None), beneficiary
        )


async def _read_bills(
    context: ServiceContext, account_id: StreamId, entries: Sequence[StatementEntry]
) -> EntryContext:
    """Read what a page's entries refer to, in two queries for all of them."""
    streams = {entry.settlement for entry in entries} | {entry.binding for entry in entries}
    states = await states_of(context, [stream for stream in streams if stream is not None])
    settlements, bindings = only(Settlement, states), only(Binding, states)
    patients = {binding.beneficiary for binding in bindings.values()}
    places = {settlement.institution for settlement in settlements.values()}
    states = await states_of(context, [*patients, *places])
    accounts, institutions = only(Account, states), only(Institution, states)
    editions = await editions_today(context, {account.region for account in accounts.values()})
    now = context.clock()
    shown = {
        (binding_id, place)
        for binding_id, binding in bindings.items()
        for place, institution in institutions.items()
        if names_institution(
            editions.get(accounts[binding.beneficiary].region),
            institution,
            is_active=binding.status_at(now) is BindingStatus.ACTIVE,
        )
    }
    names = await masked_names_of(context, patients)
    return EntryContext(account_id, settlements, bindings, institutions, names, shown)


def _entry(entry: StatementEntry, source: EntrySource, language: Language) -> dict[str, Any]:
    place = source.place
    return {
        "position": entry.position,
        "recorded_at": rfc3339(entry.recorded_at),
        "kind": entry.kind,
        "amount": signed_yuan(entry.amount_fen),
        "current": signed_yuan(entry.current_fen),
        "prior": signed_yuan(entry.prior_fen),
        "balance_after": signed_yuan(sum(entry.balance)),
        "aside": signed_yuan(entry.aside_fen),
        "settlement_id": entry.settlement,
        "binding_id": entry.binding,
        "reference": entry.reference,
        "beneficiary": source.beneficiary,
        "institution": place and place.name,
        "institution_class": place and place.kind,
        "text": entry_text(entry, source).to(language),
    }
