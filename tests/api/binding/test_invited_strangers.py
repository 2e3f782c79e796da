"""Invitations of strangers: nothing reveals whether the person exists."""

from datetime import timedelta
from typing import Any

import pytest

from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    NATION,
    Desk,
    Who,
    a_binding,
    a_person,
    an_account,
    an_offer,
    is_refused,
    untraced,
)
from tests.exports import export_of, faults_in, leaves_of

PATH, S1 = "/v1/bindings", a_person("S1")
SOMEBODY = ("P1", "DEAD", "FROZEN", "FAR", "BUSY")
"""Persons the sponsor may invite, may not, and one beyond the limit."""
NOBODY = "NOBODY"
SPONSOR_ALONE = "420000"
"""A region where the sponsor's promise is evidence."""


async def people(desk: Desk, region: str = "990000") -> None:
    for number in ("S1", "S2", "S3"):
        await an_account(desk, number, "500.00", region=region)
    for number in ("P1", "FROZEN", "BUSY"):
        await an_account(desk, number, region=region)
    await an_account(desk, "DEAD", status="deceased", region=region)
    frozen = await desk.post(NATION, "/v1/accounts/FROZEN/status", {"status": "frozen"})
    assert 201 == frozen.status_code, frozen.text
    await an_account(desk, "FAR", region=ELSEWHERE)


async def invited(desk: Desk, number: str, who: Who = S1, **changes: object) -> dict[str, Any]:
    answer = await desk.post(who, PATH, an_offer(number, "spouse") | changes)
    assert 201 == answer.status_code, answer.text
    told: dict[str, Any] = answer.json()
    return told


def alike(told: dict[str, Any], number: str) -> dict[str, Any]:
    """An answer without the ids of its invitation."""
    names = ("binding_id", "position", "trace_id", "instance", "valid_from")
    return {k: "the invited" if v == number else v for k, v in told.items() if k not in names}


async def life(desk: Desk, number: str, evidence: str = "document") -> list[Any]:
    """All answers to a sponsor about an unanswered invitation, and their positions."""
    proof = {"kind": evidence, "reference": "HK-1"}
    offer = an_offer(number, "spouse", evidence=proof)
    first = await invited(desk, number, evidence=proof)
    path = f"{PATH}/{first['binding_id']}"
    steps = [
        await desk.get(S1, path),
        await desk.post(S1, PATH, offer),
        await desk.send("PATCH", S1, path, {"uses": ["care"]}),
        await desk.post(S1, f"{path}/confirmation", {}),
        await desk.post(S1, f"{path}/decline", {}),
        await desk.post(S1, f"{path}/release", {"reason": "told"}),
        await desk.get(S1, path),
    ]
    second = await invited(desk, number, evidence=proof)
    desk.clock.at += timedelta(days=4)
    steps.append(await desk.get(S1, f"{PATH}/{second['binding_id']}"))
    third = await invited(desk, number, evidence=proof)
    steps.append(await desk.post(S1, f"{PATH}/{third['binding_id']}/release", {"reason": "told"}))
    answers = [untraced(step) for step in steps]
    apart = [each["position"] - first["position"] for each in (second, third)]
    return [
        [(status, alike(answer, number)) for status, answer in answers],
        [alike(each, number) for each in (first, second, third)],
        apart,
    ]


@pytest.mark.parametrize("number", SOMEBODY)
async def test_a_sponsor_is_told_of_nobody_what_he_is_told_of_a_stranger(
    desk: Desk, number: str
) -> None:
    """The answers and the number of events do not depend on the invited person."""
    await people(desk)
    await a_binding(desk, "S2", "BUSY")

    nobody = await life(desk, NOBODY)

    assert nobody == await life(desk, number)
    answered, made, _ = nobody
    assert [200, 409, 409, 403, 403] == [status for status, _ in answered[:5]]
    assert ("invited", "the invited") == (made[0]["status"], made[0]["beneficiary"])
    assert ("invited", None) == (answered[0][1]["status"], answered[0][1]["beneficiary"])


@pytest.mark.parametrize("number", SOMEBODY)
async def test_where_a_sponsor_binds_alone_a_stranger_is_asked(desk: Desk, number: str) -> None:
    """A promise about an unregistered person waits for their acceptance."""
    await people(desk, SPONSOR_ALONE)

    assert await life(desk, NOBODY, "promise") == await life(desk, number, "promise")


async def test_a_stranger_is_judged_when_he_agrees(desk: Desk) -> None:
    """The invited person gets the refusal, or is bound and shown from then on."""
    await people(desk)
    await a_binding(desk, "S2", "BUSY")
    bindings = {number: (await invited(desk, number))["binding_id"] for number in SOMEBODY}
    confirmations = {
        number: await desk.post(a_person(number), f"{PATH}/{binding}/confirmation", {})
        for number, binding in bindings.items()
    }
    codes = {number: answer.json().get("code") for number, answer in confirmations.items()}

    assert {
        "P1": None,
        "DEAD": "ACCOUNT_ENDED",
        "FROZEN": "PARTY_STATUS",
        "FAR": "SCOPE",
        "BUSY": "RELATION_MAX",
    } == codes
    assert "P1" == (await desk.get(S1, f"{PATH}/{bindings['P1']}")).json()["beneficiary"]


async def test_a_no_is_the_strangers_own_word(desk: Desk) -> None:
    """The invited person sees the sponsor and declines; the sponsor then sees the person."""
    await people(desk)
    path = f"{PATH}/{(await invited(desk, 'P1'))['binding_id']}"
    invitation = (await desk.get(a_person("P1"), path)).json()
    declined = await desk.post(a_person("P1"), f"{path}/decline", {})

    assert ("S1", "P1") == (invitation["sponsor"], invitation["beneficiary"])
    assert ("declined", "P1") == tuple(declined.json()[k] for k in ("status", "beneficiary"))
    assert "P1" == (await desk.get(S1, path)).json()["beneficiary"]


async def test_which_parent_a_stranger_is_counts_when_he_agrees(desk: Desk) -> None:
    """The limit of one father and one mother is checked at the confirmation."""
    await people(desk)
    answers = []
    for number, cert_no in (("F1", "110105196001010014"), ("F2", "110105196101010012")):
        await an_account(desk, number, cert_no=cert_no)
        invitation = await invited(desk, number, relation="parent")
        path = f"{PATH}/{invitation['binding_id']}/confirmation"
        answers.append(await desk.post(a_person(number), path, {}))

    assert 201 == answers[0].status_code, answers[0].text
    is_refused(answers[1], 409, "RELATION_MAX")


async def test_an_agency_is_told_exactly_of_its_own(desk: Desk) -> None:
    """An agency gets refusals for persons of its region only."""
    await people(desk)
    dead = an_offer("DEAD", "spouse", sponsor="S1")
    is_refused(await desk.post(AGENCY, PATH, dead), 409, "ACCOUNT_ENDED")
    answers = {}
    for number in ("FAR", NOBODY):
        invitation = await invited(desk, number, AGENCY, sponsor="S1")
        binding = (await desk.get(AGENCY, f"{PATH}/{invitation['binding_id']}")).json()
        answers[number] = alike(invitation, number), alike(binding, number)

    assert answers["FAR"] == answers[NOBODY]


async def test_who_is_registered_since_is_not_asked_twice(desk: Desk) -> None:
    """An open invitation of a stranger counts also after their kinship is registered."""
    await people(desk)
    await invited(desk, "P1")
    fact = {"person_no": "S1", "relative": "P1", "relation": "spouse"}
    assert 201 == (await desk.post(AGENCY, "/v1/kinships", fact)).status_code

    is_refused(await desk.post(S1, PATH, an_offer("P1", "spouse")), 409, "ALREADY_BOUND")


async def test_lists_tell_no_more(desk_on_postgres: Desk) -> None:
    """Lists hide a stranger from the sponsor, and from agencies of other regions."""
    desk = desk_on_postgres
    await people(desk)
    for number in ("P1", "FAR", NOBODY):
        position = (await invited(desk, number))["position"]
        desk.clock.at += timedelta(seconds=1)

    async def listed(who: Who, more: str = "") -> list[str | None]:
        answer = await desk.get(who, f"{PATH}?min_position={position}{more}")
        assert 200 == answer.status_code, answer.text
        return [item["beneficiary"] for item in answer.json()["items"]]

    assert [None, None, None] == await listed(S1)
    assert [None, None, None] == await listed(S1, "&status=invited")
    assert [None, None, "P1"] == await listed(AGENCY)
    assert [None, None, "P1"] == await listed(AGENCY, "&person_no=S1")
    assert ["FAR"] == await listed(AGENCY_ELSEWHERE)
    assert [None, "FAR", "P1"] == await listed(AUDITOR)
    assert ["P1"] == await listed(a_person("P1"))


async def test_an_offline_verifier_takes_an_invitation_of_nobody(desk: Desk) -> None:
    """The offline verifier accepts a binding whose beneficiary has no stream."""
    await people(desk)
    for number in ("P1", NOBODY):
        await life(desk, number)

    assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_a_family_invites_by_what_it_knows(desk: Desk) -> None:
    """ID number and name find the person; the answer is the same for a wrong name and for nobody.

    The number stays inside: neither the answer nor the sponsor's own look shows it.
    """
    await people(desk)
    cards = {
        "P1": ("ID-P1", "王某"),
        "another name": ("ID-P1", "李某"),
        NOBODY: ("ID-NOBODY", "王某"),
    }
    answers, made_by = {}, {}
    for who, (value, name) in cards.items():
        card = {"type": "id_card", "value": value, "name": name}
        made = await desk.post(S1, PATH, an_offer("", "spouse") | {"beneficiary": card})
        assert 202 == made.status_code, made.text
        seen = await desk.get(S1, f"{PATH}/{made.json()['binding_id']}")
        answers[who] = alike(made.json(), who), alike(seen.json(), who)
        made_by[who] = made.json()["binding_id"]

    assert answers["P1"] == answers["another name"] == answers[NOBODY]
    assert ("invited", None) == tuple(answers["P1"][0][k] for k in ("status", "beneficiary"))
    agreed = await desk.post(a_person("P1"), f"{PATH}/{made_by['P1']}/confirmation", {})
    assert ("active", "P1") == tuple(agreed.json()[k] for k in ("status", "beneficiary"))


async def test_an_id_number_that_does_not_fit_is_refused_at_once(desk: Desk) -> None:
    """The age is in the number that the sponsor sends, so the refusal tells nothing of anybody."""
    await people(desk)
    await an_account(desk, "OLD", "50.00", cert_no="110105197001010012")
    child = "110105201003020015"
    await an_account(desk, "KID", cert_no=child)
    card = {"type": "id_card", "name": "王某"}
    for value in (child, "110105201003020023"):
        offer = an_offer("", "parent") | {"beneficiary": card | {"value": value}}
        is_refused(await desk.post(a_person("OLD"), PATH, offer), 422, "KINSHIP_IMPOSSIBLE")
