"""kill -9 while the tax side has a premium in hand: the next start takes it on, once."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from api.http.tokens import days_from_now, issue, issuer_path
from service.caller import Role
from service.clock import monotonic_s
from tests.api.programs import Service, a_place, command, environment
from tests.service.adapters.test_tax_authority import Sandbox

pytestmark = pytest.mark.deepened

REGION = "990000"
BODY = {"payee": "P1", "insurance": "resident_basic", "year": 2027}
PATIENCE_S = 60.0
BEFORE, LATER = "2026-10-05T10:00:00+08:00", "2026-10-05T10:10:00+08:00"


def a_run(data: Path, tax: str, clock: str) -> Service:
    words = command("run", "--data", str(data), "--port", "0", "--no-demo", "--clock", clock)
    return Service(words, environment(GONGJI_TAX_URL=tax))


class Caller:
    """Somebody with a token, at whichever service runs."""

    def __init__(self, data: Path, role: Role, subject: str) -> None:
        """Have a token of this data directory's issuer."""
        region = REGION if role is Role.AGENCY else None
        token = issue(issuer_path(data), role, subject, region, days_from_now(1))
        self._headers = {"Authorization": f"Bearer {token}"}

    async def post(self, service: Service, path: str, body: object, key: str) -> httpx.Response:
        """POST under a key."""
        headers = self._headers | {"Idempotency-Key": key}
        async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
            return await client.post(f"{service.address}{path}", json=body, headers=headers)

    async def balance(self, service: Service, number: str) -> dict[str, str]:
        """What is on an account."""
        async with httpx.AsyncClient(trust_env=False) as client:
            path = f"{service.address}/v1/accounts/{number}"
            shown = await client.get(path, headers=self._headers)
        balance: dict[str, str] = shown.json()["balance"]
        return balance


async def come(agency: Caller, service: Service) -> None:
    """A resident P1, and S1 with 1000.00, bound by what the beneficiary agreed to."""
    for number, insurance in (("P1", "resident"), ("S1", "employee")):
        person = {"person_no": number, "name": "test", "cert_no": f"ID-{number}"}
        body = person | {"insurance": insurance, "region": REGION}
        assert (await agency.post(service, "/v1/accounts", body, f"open-{number}")).is_success
    money = {"amount": "1000.00"}
    assert (await agency.post(service, "/v1/accounts/S1/credits", money, "money")).is_success
    evidence = {"kind": "document", "reference": "HK-1"}
    offer = {"sponsor": "S1", "beneficiary": "P1", "relation": "child", "evidence": evidence}
    invited = await agency.post(service, "/v1/bindings", offer, "invite")
    path = f"/v1/bindings/{invited.json()['binding_id']}/confirmation"
    assert (await agency.post(service, path, {}, "confirm")).is_success


async def answered(sponsor: Caller, service: Service) -> httpx.Response:
    """What the same key says when the tax side has answered."""
    deadline = monotonic_s() + PATIENCE_S
    while (told := await sponsor.post(service, "/v1/premiums", BODY, "k")).status_code == 202:
        assert monotonic_s() < deadline, told.text
        await asyncio.sleep(0.1)
    return told


@pytest.mark.parametrize("behaviour", ["late", pytest.param("lost", marks=pytest.mark.slow)])
async def test_a_kill_in_mid_charge_pays_once(tmp_path: Path, behaviour: str) -> None:
    """Killed while the tax side booked it, or never got to: confirmed after the next start."""
    tax = Sandbox(tmp_path / "books.ndjson")
    with a_place() as data:
        service = a_run(data, tax.url, BEFORE)
        agency = Caller(data, Role.AGENCY, "a1")
        sponsor = Caller(data, Role.PERSON, "S1")
        await come(agency, service)
        await tax.behave(behaviour)
        paying = asyncio.create_task(sponsor.post(service, "/v1/premiums", BODY, "k"))
        while (await agency.balance(service, "S1"))["held"] != "400.00":
            assert not paying.done()
        await asyncio.sleep(1.0)
        service.stop(signal.SIGKILL)
        with pytest.raises(httpx.HTTPError):
            await paying

        await tax.behave("normal")
        service = a_run(data, tax.url, LATER)
        told = await answered(sponsor, service)

        assert (201, "confirmed") == (told.status_code, told.json()["status"])
        expected = {"current": "600.00", "prior": "0.00", "held": "0.00", "available": "600.00"}
        assert expected == await agency.balance(service, "S1")
        assert 0 == service.stop()
    assert 1 == len((tmp_path / "books.ndjson").read_text(encoding="utf-8").splitlines())
    assert 0 == tax.end()


async def test_on_trial_a_stand_in_answers_for_the_tax_side() -> None:
    """Without an address the service on its own database pays and gives back, over a restart."""
    with a_place() as data:
        service = a_run(data, "", BEFORE)
        assert any("stand-in" in line for line in service.told)
        await come(Caller(data, Role.AGENCY, "a1"), service)
        sponsor = Caller(data, Role.PERSON, "S1")
        paid = await sponsor.post(service, "/v1/premiums", BODY, "pay")
        assert (201, "confirmed") == (paid.status_code, paid.json()["status"])
        assert 0 == service.stop()

        service = a_run(data, "", "2026-10-06T10:00:00+08:00")
        path = f"/v1/premiums/{paid.json()['premium_id']}/reversal"
        back = await sponsor.post(service, path, {"reason": "asked"}, "back")
        assert (201, "reversed") == (back.status_code, back.json()["status"])
        assert 0 == service.stop()
