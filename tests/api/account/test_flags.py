"""The marks on a person over HTTP: set by the agency, shown on the account."""

from api.account.responses import AccountReply
from api.ndjson_import.lines import read_line
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    Desk,
    a_person,
    an_account,
    is_answered,
    is_refused,
)
from tests.exports import export_of, faults_in, leaves_of

PATH = "/v1/accounts/P1/flags"
MARKS = {"flags": ["e_credential_active", "chronic_disease"], "reason": "registered"}


async def test_an_agency_sets_the_marks_on_a_person(desk: Desk) -> None:
    """All marks are replaced, in alphabetical order; the offline verifier accepts them."""
    await an_account(desk, "P1", flags=["public_medical_care"])
    put = await desk.send("PUT", AGENCY, PATH, MARKS)

    answer = is_answered(put, AccountReply)
    assert ["chronic_disease", "e_credential_active"] == answer["flags"]
    is_refused(await desk.send("PUT", AGENCY, PATH, MARKS), 409, "STATUS_UNCHANGED")
    assert [] == faults_in(export_of(leaves_of(desk.context.store)))


async def test_nobody_else_sets_them(desk: Desk) -> None:
    """The person may not, another region's agency finds nobody, and a word must be known."""
    await an_account(desk, "P1")
    is_refused(await desk.send("PUT", a_person("P1"), PATH, MARKS), 403, "NOT_PERMITTED")
    is_refused(await desk.send("PUT", AGENCY_ELSEWHERE, PATH, MARKS), 404, "NOT_FOUND")
    unknown = await desk.send("PUT", AGENCY, PATH, {"flags": ["left_handed"]})

    assert 422 == unknown.status_code, unknown.text


async def test_a_file_sets_them_too(desk: Desk) -> None:
    """A line of type flags has the members of the operation, and a person number."""
    await an_account(desk, "P1")
    kind, item = read_line(b'{"type":"flags","person_no":"P1","flags":["chronic_disease"]}')
    await item.begin(desk.context)
    shown = await desk.get(AGENCY, "/v1/accounts/P1")

    assert ("flags", ["chronic_disease"]) == (kind, shown.json()["flags"])
