"""Consents over HTTP: the texts, and who agreed to which version when."""

import json
from typing import Any

import pytest

from api.binding.consent_routes import BindingWithConsentsReply, ConsentTextReply
from api.ndjson_import.lines import read_line
from tests.api.clients import (
    AGENCY,
    AGENCY_ELSEWHERE,
    AUDITOR,
    HOSPITAL,
    NATION,
    OPERATOR,
    Desk,
    a_person,
    an_account,
    an_offer,
    is_answered,
    is_refused,
)

PATH, TEXT = "/v1/consents", "aid-2026-01"
BINDINGS = "/v1/bindings"
S1, P1 = a_person("S1"), a_person("P1")
WUHAN = "420000"
INVITED_AT, CONFIRMED_AT = "2026-03-02T10:20:00.000+08:00", "2026-03-02T11:20:00.000+08:00"


async def two_people(desk: Desk, region: str = "990000") -> None:
    await an_account(desk, "P1", "20.00", region=region)
    await an_account(desk, "S1", "500.00", region=region)


async def an_invitation(desk: Desk, **changes: object) -> str:
    invited = await desk.post(S1, BINDINGS, an_offer("P1") | changes)
    assert 201 == invited.status_code, invited.text
    return f"{BINDINGS}/{invited.json()['binding_id']}"


async def consents_in(desk: Desk, path: str) -> dict[str, Any]:
    binding = is_answered(await desk.get(AUDITOR, path), BindingWithConsentsReply)
    consents: dict[str, Any] = binding["consents"]
    return consents


async def test_everybody_reads_the_texts(desk: Desk) -> None:
    """All versions, or one, in both languages; an unknown version is 404."""
    text = is_answered(await desk.get(AUDITOR, f"{PATH}/{TEXT}"), ConsentTextReply)
    assert TEXT == text["version"]
    for who in (AGENCY, HOSPITAL, S1, OPERATOR):
        assert text == (await desk.get(who, f"{PATH}/{TEXT}")).json()
        assert text in (await desk.get(who, PATH)).json()
    is_refused(await desk.get(S1, f"{PATH}/aid-1999-01"), 404, "NOT_FOUND")
    assert 401 == (await desk.front.get(PATH)).status_code


async def test_both_sides_consent_is_on_record(desk_on_postgres: Desk) -> None:
    """Both sides' version, time and channel are shown to the parties, agencies and auditors."""
    desk = desk_on_postgres
    await two_people(desk)
    path = await an_invitation(desk, consent=TEXT)
    sponsors = {"text": TEXT, "at": INVITED_AT, "channel": "http"}
    assert {"sponsor": sponsors, "beneficiary": None} == await consents_in(desk, path)

    desk.clock.at = desk.clock.at.replace(hour=11)
    said_yes = await desk.post(P1, f"{path}/confirmation", {"consent": TEXT})
    assert 201 == said_yes.status_code, said_yes.text
    both = {"sponsor": sponsors, "beneficiary": sponsors | {"at": CONFIRMED_AT}}
    for who in (S1, P1, AGENCY, AUDITOR):
        assert both == (await desk.get(who, path)).json()["consents"]
    is_refused(await desk.get(AGENCY_ELSEWHERE, path), 404, "NOT_FOUND")


async def test_a_channel_may_keep_consent_by_itself(desk: Desk) -> None:
    """The version is optional for each side."""
    await two_people(desk)
    path = await an_invitation(desk)
    said_yes = await desk.post(P1, f"{path}/confirmation", {"consent": TEXT})

    assert "active" == said_yes.json()["status"]
    agreed = {"text": TEXT, "at": INVITED_AT, "channel": "http"}
    assert {"sponsor": None, "beneficiary": agreed} == await consents_in(desk, path)


async def test_where_a_sponsor_binds_alone_only_he_consents(desk: Desk) -> None:
    """Without acceptance there is no consent of the beneficiary."""
    await two_people(desk, WUHAN)
    fact = {"person_no": "S1", "relative": "P1", "relation": "spouse"}
    assert 201 == (await desk.post(NATION, "/v1/kinships", fact)).status_code
    path = await an_invitation(desk, consent=TEXT, evidence={"kind": "promise"})

    assert "active" == (await desk.get(S1, path)).json()["status"]
    agreed = {"text": TEXT, "at": INVITED_AT, "channel": "http"}
    assert {"sponsor": agreed, "beneficiary": None} == await consents_in(desk, path)


async def test_an_unknown_version_leaves_key_and_log_free(desk: Desk) -> None:
    """An unknown version is 422 on either side, and leaves the key free."""
    await two_people(desk)
    before = desk.stands()
    wrong = an_offer("P1", consent="aid-1999-01")
    problem = is_refused(await desk.post(S1, BINDINGS, wrong, "k1"), 422, "CONSENT_UNKNOWN")
    assert ("aid-1999-01", before) == (problem["consent"], desk.stands())
    right = await desk.post(S1, BINDINGS, wrong | {"consent": TEXT}, "k1")
    path = f"{BINDINGS}/{right.json()['binding_id']}/confirmation"
    before = desk.stands()
    refused = await desk.post(P1, path, {"consent": "aid-1999-01"}, "k2")
    is_refused(refused, 422, "CONSENT_UNKNOWN")
    assert before == desk.stands()
    assert 201 == (await desk.post(P1, path, {"consent": TEXT}, "k2")).status_code


@pytest.mark.parametrize("consent", ["", "two words", "甲", "x" * 65])
async def test_a_version_is_a_short_word(desk: Desk, consent: str) -> None:
    """Other shapes are refused."""
    await two_people(desk)
    wrong = await desk.post(S1, BINDINGS, an_offer("P1", consent=consent))

    is_refused(wrong, 422, "TEXT_INVALID")


async def test_an_imported_binding_brings_the_text_of_both(desk: Desk) -> None:
    """A binding confirmed elsewhere has one version for both, with the time of its confirmation."""
    await two_people(desk)
    line = {
        "type": "binding",
        "sponsor": "S1",
        "beneficiary": "P1",
        "relation": "spouse",
        "confirmed_at": "2025-01-01T09:00:00+08:00",
        "consent": TEXT,
    }
    _, item = read_line(json.dumps(line).encode())
    reply = await item.begin(desk.context)

    path = f"{BINDINGS}/{json.loads(reply.answer)['binding_id']}"
    agreed = {"text": TEXT, "at": "2025-01-01T09:00:00.000+08:00", "channel": "import"}
    assert {"sponsor": agreed, "beneficiary": agreed} == await consents_in(desk, path)
