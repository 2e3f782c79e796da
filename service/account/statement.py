"""An account's statement: what moved its money, for whom and where, as far as its owner may know.

A sponsor learns of a beneficiary's bill the amount, the day, the masked name and the class of
the institution (policy.md §6.2, S120); of his own bills he sees the institution's name.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from aggregates.account.state import Account
from aggregates.binding.binding import Binding
from aggregates.institution import Institution, names_institution
from aggregates.settlement.settlement import Settlement
from aggregates.vocabulary import BindingStatus, StreamId
from projections.account import statement_entries as entry_views
from projections.account.statement_entries import StatementEntry
from projections.kit.paging import LIMIT_MAX, Page
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

ReadPage = Callable[[str | None, int], Awaitable[Page[dict[str, Any]]]]


class StatementRequest(NamedTuple):
    """Whose list, which part of it, and in which language; a long part is read page by page."""

    person_no: str
    asked: PageRequest
    language: Language


async def entries(
    context: ServiceContext, read_models: ReadModels, caller: Caller, wanted: StatementRequest
) -> PageResult:
    """An account's statement, newest first (its owner, its agency, auditors).

    Raises:
        UnknownError: no such account, or not the caller's; CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)
    account_id = await account_of(context, caller, wanted.person_no)
    position = await reach(context, read_models, wanted.asked, entry_views.TABLE)

    async def read(cursor: str | None, limit: int) -> Page[dict[str, Any]]:
        page = await entry_views.of_account(read_models.pool, account_id, cursor, limit)
        known = await _learn(context, account_id, page.rows)
        told = tuple(_entry(entry, known.seen(entry), wanted.language) for entry in page.rows)
        return Page(told, page.next)

    return await read_all(read, wanted.asked, position)


async def read_all(read: ReadPage, asked: PageRequest, position: int) -> PageResult:
    """As much of a list as is asked for, page by page."""
    items: list[dict[str, Any]] = []
    cursor = asked.cursor
    while True:
        page = await read(cursor, min(asked.limit - len(items), LIMIT_MAX))
        items += page.rows
        cursor = page.next
        if cursor is None or len(items) >= asked.limit:
            return PageResult(items, cursor, position)


class EntryContext(NamedTuple):
    """What the log says of a page's bills: who was treated, where, and under which binding."""

    account: StreamId
    settlements: dict[StreamId, Settlement]
    bindings: dict[StreamId, Binding]
    institutions: dict[StreamId, Institution]
    names: dict[StreamId, str | None]
    named: set[tuple[StreamId, StreamId]]

    def seen(self, entry: StatementEntry) -> EntrySource:
        """What the owner may know of where an entry comes from."""
        binding = self.bindings.get(entry.binding) if entry.binding else None
        beneficiary = self.names.get(binding.beneficiary) if binding else None
        settlement = self.settlements.get(entry.settlement) if entry.settlement else None
        if settlement is None or settlement.claim is None:
            return EntrySource(None, beneficiary)
        if entry.binding is None and settlement.claim.beneficiary != self.account:
            return EntrySource()  # another's bill: it came to this account as the successor of one
        institution = self.institutions[settlement.institution]
        is_named = entry.binding is None or (entry.binding, settlement.institution) in self.named
        return EntrySource(
            InstitutionLabel(institution.kind, institution.name if is_named else None), beneficiary
        )


async def _learn(
    context: ServiceContext, account_id: StreamId, entries: Sequence[StatementEntry]
) -> EntryContext:
    """Read what a page's entries refer to, each kind at once."""
    told = {entry.settlement for entry in entries} | {entry.binding for entry in entries}
    found = await states_of(context, [stream for stream in told if stream is not None])
    settlements, bindings = only(Settlement, found), only(Binding, found)
    patients = {binding.beneficiary for binding in bindings.values()}
    places = {settlement.institution for settlement in settlements.values()}
    around = await states_of(context, [*patients, *places])
    accounts, institutions = only(Account, around), only(Institution, around)
    editions = await editions_today(context, {account.region for account in accounts.values()})
    now = context.clock()
    named = {
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
    return EntryContext(account_id, settlements, bindings, institutions, names, named)


def _entry(entry: StatementEntry, seen: EntrySource, language: Language) -> dict[str, Any]:
    place = seen.place
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
        "beneficiary": seen.beneficiary,
        "institution": place and place.name,
        "institution_class": place and place.kind,
        "text": entry_text(entry, seen).to(language),
    }
