"""An agency's search for a person of its region, by person number or ID number."""

from typing import Any, NamedTuple

from aggregates.account.state import Account
from aggregates.vocabulary import Instant, StreamId
from service.caller import Caller, Role, check_role, is_foreign
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.person.unsealed import personal_of
from service.request_context import refused
from service.vault import Vault


class Wanted(NamedTuple):
    """Who is searched: by exactly one of two numbers; None for any region or status.

    `region` is the code of a pooling area, or the code given when the account was opened.
    """

    person_no: str | None
    id_card: str | None
    region: str | None = None
    status: str | None = None


async def search(
    context: ServiceContext, caller: Caller, wanted: Wanted
) -> tuple[list[dict[str, Any]], int]:
    """Who has a number, with the name in clear, and the position that the answer is as of.

    Nobody is found in a region that is not the agency's: as much is read of such a person as of
    nobody, and the answer is the same. A search that finds nobody counts as a miss.
    """
    check_role(caller, Role.AGENCY)
    name = _name_of(context.vault, wanted)

    def query(reads: ReadSet, _: Instant) -> list[dict[str, Any]]:
        account_id = reads.find(name)
        candidate = account_id or StreamId(f"acc_{name.hex()[:32]}")
        reads.version(candidate)
        person = personal_of(reads, context.vault, candidate)
        if account_id is None or person is None:
            return []
        account = reads.account(account_id)
        if is_foreign(caller, account.region) or not _is_wanted(account, wanted):
            return []
        return [
            {
                "person_no": person.person_no,
                "name": person.name,
                "region": account.region,
                "insurance": account.insurance,
                "status": account.status.lower(),
            }
        ]

    items, position = await context.read_at(caller, query)
    if not items:
        refused("NOT_FOUND")
    return items, position


def _name_of(vault: Vault, wanted: Wanted) -> bytes:
    """The keyed digest that finds the account."""
    if wanted.person_no is not None:
        return vault.name("person_no", wanted.person_no)
    return vault.name("id_card", wanted.id_card or "")


def _is_wanted(account: Account, wanted: Wanted) -> bool:
    is_there = wanted.region in (None, account.region, account.insured_place)
    return is_there and wanted.status in (None, account.status.lower())
