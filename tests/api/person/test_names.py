"""Names in answers: one's own in clear, others' masked, and the relation from the reader's side."""

from typing import Any

import pytest

from api.account.responses import AccountReply
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    CANARY_NAME,
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_binding,
    a_family,
    a_person,
    an_account,
    an_offer,
    is_answered,
    is_refused,
)

P1, S1 = a_person("P1"), a_person("S1")
MASKED = "金***"
NAMES = ("sponsor_name", "beneficiary_name", "relation_to_you")


def names_in(binding: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(binding[name] for name in NAMES)


async def test_a_party_reads_its_own_name_and_the_others_masked(desk: Desk) -> None:
    """Each side sees the other's masked name; an agency and an auditor see both masked."""
    path = f"/v1/bindings/{await a_family(desk)}"
    told: dict[Who, tuple[Any, ...]] = {
        P1: ("王*", CANARY_NAME, "spouse"),
        S1: ("王某", MASKED, "spouse"),
        AGENCY: ("王*", MASKED, None),
        AUDITOR: ("王*", MASKED, None),
    }
    for who, names in told.items():
        assert names == names_in((await desk.get(who, path)).json()), who


@pytest.mark.parametrize(
    ("relation", "inverse"),
    [("child", "parent"), ("grandparent", "grandchild"), ("parent_in_law", None)],
)
async def test_the_relation_is_told_from_the_readers_side(
    desk: Desk, relation: str, inverse: str | None
) -> None:
    """`relation` stays the sponsor's; a parent-in-law has no word for the other side."""
    await an_account(desk, "P1", region="450000")
    await an_account(desk, "S1", "500.00", region="450000")
    invited = await desk.post(S1, "/v1/bindings", an_offer("P1", relation))
    assert 201 == invited.status_code, invited.text
    path = f"/v1/bindings/{invited.json()['binding_id']}"
    for who, told in ((S1, relation), (P1, inverse)):
        binding = (await desk.get(who, path)).json()
        assert (relation, told) == (binding["relation"], binding["relation_to_you"])


async def test_an_invitation_names_nobody_whom_it_may_not_tell_of(desk: Desk) -> None:
    """The sponsor reads no name before the answer; the invited reads the sponsor's masked."""
    await an_account(desk, "P1", name=CANARY_NAME)
    await an_account(desk, "S1", "500.00")
    invited = await desk.post(S1, "/v1/bindings", an_offer("P1"))
    assert ("王某", None, "spouse") == names_in(invited.json())
    path = f"/v1/bindings/{invited.json()['binding_id']}"
    assert ("王某", None, "spouse") == names_in((await desk.get(S1, path)).json())
    assert ("王*", CANARY_NAME, "spouse") == names_in((await desk.get(P1, path)).json())
    agreed = await desk.post(P1, f"{path}/confirmation", {})
    assert ("王*", CANARY_NAME, "spouse") == names_in(agreed.json())


async def test_a_list_of_bindings_has_names(desk_on_postgres: Desk) -> None:
    """A list names the sides as a single binding does."""
    desk = desk_on_postgres
    await a_family(desk)
    for who in (P1, S1, AGENCY):
        (listed,) = (await desk.get(who, "/v1/bindings")).json()["items"]
        alone = (await desk.get(who, f"/v1/bindings/{listed['binding_id']}")).json()
        assert names_in(alone) == names_in(listed)


async def test_an_account_has_its_owners_name(desk: Desk) -> None:
    """The owner reads it in clear, agencies and auditors masked; an institution reads nothing."""
    await a_family(desk)
    for who, name in ((P1, CANARY_NAME), (AGENCY, MASKED), (NATION, MASKED), (AUDITOR, MASKED)):
        account = is_answered(await desk.get(who, "/v1/accounts/P1"), AccountReply)
        assert name == account["name"]
    is_refused(await desk.get(HOSPITAL, "/v1/accounts/P1"), 403, "NOT_PERMITTED")


async def test_an_erased_person_has_no_name(desk: Desk) -> None:
    """After an erasure the other side reads no name."""
    binding = await a_binding_of_two(desk)
    body = {"reason": "law", "legal_basis": "law 1"}
    closed = await desk.post(NATION, "/v1/accounts/P1/status", {"status": "closed"})
    assert 201 == closed.status_code, closed.text
    erased = await desk.post(NATION, "/v1/accounts/P1/erasure", body)
    assert 201 == erased.status_code, erased.text
    assert ("王某", None) == names_in((await desk.get(S1, binding)).json())[:2]


async def a_binding_of_two(desk: Desk) -> str:
    await an_account(desk, "P1")
    await an_account(desk, "S1", "500.00")
    return f"/v1/bindings/{await a_binding(desk, 'S1', 'P1')}"
