"""Lists of institutions: an agency's region, page by page."""

from api.institution import InstitutionsReply
from tests.api.binding.test_lists import pages
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    ELSEWHERE,
    HOSPITAL,
    NATION,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_person,
    an_institution,
    is_refused,
)

PATH = "/v1/institutions"
FAR = Who(HOSPITAL.role, "H54250000001")


async def test_institutions_are_listed_to_their_agency(desk_on_postgres: Desk) -> None:
    """Own region only, as they are now; the nation and auditors see all."""
    desk = desk_on_postgres
    for who, region in ((HOSPITAL, "990000"), (PHARMACY, "990000"), (FAR, ELSEWHERE)):
        await an_institution(desk, who, region=region)
    await an_institution(desk, HOSPITAL, status="suspended", name="第二人民医院")
    answer = await desk.get(AGENCY, PATH)
    InstitutionsReply.model_validate(answer.json())
    own = [(item["code"], item["status"], item["name"]) for item in answer.json()["items"]]

    pharmacy = (PHARMACY.subject, "active", "第一人民医院")
    assert [pharmacy, (HOSPITAL.subject, "suspended", "第二人民医院")] == own
    assert answer.json()["items"] == await pages(desk, AGENCY, PATH, 1)
    (far,) = (await desk.get(AGENCY_ELSEWHERE, PATH)).json()["items"]
    assert FAR.subject == far["code"]
    for who in (NATION, AUDITOR):
        items = await pages(desk, who, PATH, 2)
        assert {FAR.subject, PHARMACY.subject, HOSPITAL.subject} == {i["code"] for i in items}
    for who in (HOSPITAL, a_person("P1"), OPERATOR):
        is_refused(await desk.get(who, PATH), 403, "NOT_PERMITTED")
    is_refused(await desk.get(AGENCY, f"{PATH}?cursor=1"), 422, "PAGE_INVALID")
