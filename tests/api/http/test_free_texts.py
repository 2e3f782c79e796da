"""What clerks write freely names nobody: at no door, however it is written."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from api.http.problems import problem_of
from api.ndjson_import.lines import read_line
from tests.api.clients import (
    AGENCY,
    CANARY_ID,
    CANARY_NAME,
    HOSPITAL,
    Desk,
    Who,
    a_claim,
    a_family,
    a_person,
    a_settlement,
    an_offer,
    an_opening,
    is_refused,
)

TICKET = "tkt_" + 32 * "0"
SPACED = f"{CANARY_NAME[:2]} {CANARY_NAME[2:]}"


def doors(binding: str, settlement: str) -> list[tuple[Who, str, dict[str, Any], str]]:
    """Every door behind which P1 is known, a body for it, and its free text."""
    wrong = {"person_no": "P1", "bucket": "prior", "amount": "5.00"}
    return [
        (AGENCY, "/v1/accounts/P1/status", {"status": "frozen"}, "reason"),
        (AGENCY, f"/v1/accounts/P1/suspense/{TICKET}/payout", {}, "reference"),
        (AGENCY, "/v1/corrections", wrong, "reason"),
        (a_person("P1"), f"/v1/bindings/{binding}/release", {}, "reason"),
        (HOSPITAL, f"/v1/settlements/{settlement}/cancellation", {}, "reason"),
        (HOSPITAL, f"/v1/settlements/{settlement}/refunds", {"amount": "1.00"}, "reason"),
    ]


@pytest.mark.parametrize("naming", [CANARY_ID, f"asked by {CANARY_NAME}", SPACED])
async def test_a_text_that_names_somebody_is_refused(desk: Desk, naming: str) -> None:
    """Nothing is applied, the key stays free, and the answer does not repeat it."""
    binding = await a_family(desk)
    settled = await a_settlement(desk)
    head = await desk.context.store.position()
    for who, path, body, member in doors(binding, settled["settlement_id"]):
        answer = await desk.post(who, path, body | {member: naming}, f"k{path}"[:64])
        problem = is_refused(answer, 422, "PERSON_NAMED")
        assert "not_applied" == problem["outcome"]
        for secret in (CANARY_ID, CANARY_NAME, naming):
            assert secret not in answer.text
    assert head == await desk.context.store.position()
    path = "/v1/accounts/P1/status"
    again = {"status": "frozen", "reason": "asked in writing"}
    assert 201 == (await desk.post(AGENCY, path, again, f"k{path}")).status_code


async def test_doors_without_a_person_know_id_numbers(desk: Desk) -> None:
    """A link's end, a rejection, a clearing, a premium's return, an erasure's legal basis."""
    await a_family(desk)
    unknown = 32 * "0"
    for who, path, member in (
        (a_person("P1"), f"/v1/credential-links/lnk_{unknown}/closure", "reason"),
        (AGENCY, f"/v1/corrections/cor_{unknown}/rejection", "reason"),
        (a_person("P1"), f"/v1/premiums/prm_{unknown}/reversal", "reason"),
    ):
        is_refused(await desk.post(who, path, {member: CANARY_ID}), 422, "PERSON_NAMED")
    clearing = {"through": "2026-03-01", "reference": CANARY_ID}
    path = f"/v1/institutions/{HOSPITAL.subject}/clearings"
    is_refused(await desk.post(AGENCY, path, clearing), 422, "PERSON_NAMED")
    erasure = {"reason": "law", "legal_basis": f"file {CANARY_ID}"}
    is_refused(await desk.post(AGENCY, "/v1/accounts/P1/erasure", erasure), 422, "PERSON_NAMED")


async def test_a_namesake_of_somebody_else_may_be_told(desk: Desk) -> None:
    """Only the name of him whose file it is can be known here."""
    await a_family(desk)
    body = {"status": "frozen", "reason": "asked by 王某某 of the agency"}

    assert 201 == (await desk.post(AGENCY, "/v1/accounts/P1/status", body)).status_code


NAMED = f"v-{CANARY_ID}-1"
LINED = [{"line": NAMED, "category": "drug", "part": "in_scope", "amount": "64.25"}]
DAY = {"day": "2026-03-02", "totals": {"count": 1, "total": "128.50"}}
ITEM = {"key": NAMED, "status": "settled", "total": "128.50", "aid": "44.25"}
SHOWN = {"member": "P1", "relation": "child", "evidence": {"kind": "face", "reference": NAMED}}
IDENTIFIERS: dict[str, tuple[Who, str, dict[str, Any]]] = {
    "visit": (HOSPITAL, "/v1/settlements", a_claim(visit=NAMED)),
    "charge_batch": (HOSPITAL, "/v1/settlements", a_claim(charge_batch=NAMED)),
    "fee line": (HOSPITAL, "/v1/settlements", a_claim(lines=LINED)),
    "quoted visit": (HOSPITAL, "/v1/quotes", a_claim(visit=NAMED)),
    "held visit": (HOSPITAL, "/v1/holds", a_claim(visit=NAMED)),
    "reversed key": (HOSPITAL, "/v1/reversals", {"key": NAMED}),
    "reconciled key": (HOSPITAL, "/v1/reconciliations", DAY | {"items": [ITEM]}),
    "credit's reference": (
        AGENCY,
        "/v1/accounts/P1/credits",
        {"amount": "1.00", "reference": NAMED},
    ),
    "opening's reference": (AGENCY, "/v1/accounts", an_opening("P9", reference=NAMED)),
    "evidence": (
        a_person("S1"),
        "/v1/bindings",
        an_offer("P1", evidence={"kind": "document", "reference": NAMED}),
    ),
    "link's evidence": (a_person("S1"), "/v1/credential-links", SHOWN),
}


@pytest.mark.parametrize("endpoint", IDENTIFIERS.values(), ids=IDENTIFIERS)
async def test_identifiers_name_nobody(
    desk: Desk, endpoint: tuple[Who, str, dict[str, Any]]
) -> None:
    """A visit, a batch, a key or a reference is kept in the clear for ever."""
    who, path, body = endpoint
    await a_family(desk)
    stands = desk.stands()
    answer = await desk.post(who, path, body)

    is_refused(answer, 422, "PERSON_NAMED")
    assert CANARY_ID not in answer.text
    assert stands == desk.stands()


@pytest.mark.parametrize("path", ["/v1/settlements", "/v1/settlements/stl_0/cancellation"])
async def test_a_key_names_nobody(desk: Desk, path: str) -> None:
    """Neither in the header, at the hot route and behind it, nor in a batch."""
    await a_family(desk)
    stands = desk.stands()
    body = a_claim() if path == "/v1/settlements" else {}
    for key in (CANARY_ID, NAMED):
        answer = await desk.post(HOSPITAL, path.replace("stl_0", f"stl_{32 * '0'}"), body, key)
        is_refused(answer, 422, "PERSON_NAMED")
        assert CANARY_ID not in answer.text
    batch = {"claims": [a_claim(key=NAMED), a_claim(key="k1", visit=NAMED)]}
    told = await desk.post(HOSPITAL, "/v1/settlements:batch", batch)
    codes = [item["problem"]["code"] for item in told.json()["items"]]

    assert ["PERSON_NAMED", "PERSON_NAMED"] == codes
    assert CANARY_ID not in told.text
    assert stands == desk.stands()


ODD = {
    "Arabic-Indic": CANARY_ID.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    "full width": "".join(chr(ord(sign) + 0xFEE0) for sign in CANARY_ID),
    "colons": f"{CANARY_ID[:6]}:{CANARY_ID[6:14]}:{CANARY_ID[14:]}",
    "slashes at odd places": f"{CANARY_ID[:3]}/{CANARY_ID[3:9]}#{CANARY_ID[9:]}",
    "glued": f"9{CANARY_ID}9",
}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD)
async def test_identifiers_name_nobody_however_they_are_written(desk: Desk, odd: str) -> None:
    """Other digits, signs between, and a longer row of digits: a visit, a batch, a key."""
    await a_family(desk)
    stands = desk.stands()
    told = [
        await desk.post(HOSPITAL, "/v1/settlements", a_claim(visit=odd)),
        await desk.post(HOSPITAL, "/v1/settlements", a_claim(charge_batch=odd)),
    ]
    if odd.isascii():
        told.append(await desk.post(HOSPITAL, "/v1/settlements", a_claim(), odd))

    for answer in told:
        is_refused(answer, 422, "PERSON_NAMED")
    assert stands == desk.stands()


async def test_a_key_of_old_can_still_be_asked_for(desk: Desk) -> None:
    """What was kept before this was refused is found, or told to be unknown."""
    await a_family(desk)
    found = await desk.get(HOSPITAL, f"/v1/settlements?key={CANARY_ID}")

    is_refused(found, 404, "NOT_FOUND")


@pytest.mark.parametrize("member", ["key", "visit", "charge_batch", "reference"])
def test_an_import_line_names_nobody(member: str) -> None:
    """A line's key is as any other."""
    line = {"type": "claim", "key": "c1", "institution": HOSPITAL.subject} | a_claim()
    with pytest.raises(ValidationError) as refused:
        read_line(json.dumps(line | {member: NAMED}).encode())
    assert "PERSON_NAMED" == problem_of(refused.value)[0]
