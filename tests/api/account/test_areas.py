"""A person of a real city: any code of an area opens an account there, under the area's rules."""

from datetime import datetime

from aggregates.policy.rulebook import EditionPublished
from aggregates.vocabulary import BEIJING
from service.policy import publish
from tests.api.clients import (
    HOSPITAL,
    NATION,
    Desk,
    Who,
    a_claim,
    a_person,
    an_institution,
    an_offer,
    an_opening,
    is_refused,
)

TODAY = datetime(2026, 12, 2, 10, 0, tzinfo=BEIJING)
WUHAN = Who(NATION.role, "wuhan", "420100")


async def opened(desk: Desk, number: str, region: str, who: Who = NATION) -> dict[str, str]:
    """The answer to the opening of an account in a region."""
    answer = await desk.post(who, "/v1/accounts", an_opening(number, region=region))
    assert answer.status_code == 201, answer.text
    body: dict[str, str] = answer.json()
    return body


async def test_a_district_opens_in_its_city_under_the_citys_rules(desk: Desk) -> None:
    """The pooling area decides and the code given is kept; a city's agency opens its districts."""
    desk.clock.at = TODAY

    told = await opened(desk, "P1", "420106", WUHAN)
    assert ("420100", "420106") == (told["region"], told["insured_place"])
    told = await opened(desk, "P2", "429004")
    assert ("429004", "429004") == (told["region"], told["insured_place"])
    answer = await desk.post(WUHAN, "/v1/accounts", an_opening("P3", region="420600"))
    is_refused(answer, 404, "NOT_FOUND")


async def test_an_area_that_no_file_covers_names_the_nearest(desk: Desk) -> None:
    """Nobody is covered silently."""
    desk.clock.at = TODAY

    answer = await desk.post(NATION, "/v1/accounts", an_opening("P1", region="990100"))
    assert "990000" == is_refused(answer, 422, "NO_EDITION")["nearest"]
    answer = await desk.post(NATION, "/v1/accounts", an_opening("P1", region="810000"))
    assert is_refused(answer, 422, "NO_EDITION")["nearest"] is None


async def test_the_log_holds_the_rules_of_areas_that_have_somebody(desk: Desk) -> None:
    """A covered area's editions enter the log with its first account, once."""
    desk.clock.at = TODAY
    for number, region in (("P1", "420106"), ("P2", "420103"), ("P3", "420900")):
        await opened(desk, number, region)
    assert 0 == await publish(desk.context)

    log = await desk.context.store.page(0, 1000)
    published = [r.event for r in log if isinstance(r.event, EditionPublished)]
    regions = [event.region for event in published if event.region.startswith("42")]
    assert {"420000", "420100", "420900"} == set(regions)
    assert 1 == regions.count("420900")
    wuhan = [event.edition for event in published if event.region == "420100"]
    assert "wuhan/2025-01 over hubei/2026-12 over national/2025-01" == wuhan[-1]


async def test_districts_of_one_area_are_one_region(desk: Desk) -> None:
    """Sponsor, patient and hospital of three districts of Shanghai need no filing."""
    desk.clock.at = TODAY
    await an_institution(desk, region="310115")
    await opened(desk, "P1", "310101")
    await opened(desk, "P2", "310104")
    credit = {"amount": "100.00", "bucket": "prior"}
    assert 201 == (await desk.post(NATION, "/v1/accounts/P1/credits", credit)).status_code
    offer = an_offer("P2", "sibling", evidence={"kind": "promise"})
    answer = await desk.post(a_person("P1"), "/v1/bindings", offer)
    binding = f"/v1/bindings/{answer.json()['binding_id']}/confirmation"
    assert 201 == (await desk.post(a_person("P2"), binding, {})).status_code

    claim = a_claim(beneficiary={"type": "person_no", "value": "P2"})
    settled = (await desk.post(HOSPITAL, "/v1/settlements", claim)).json()
    assert ("64.25", "0.00") == (settled["aid"], settled["cash"])
