"""The tax authority over a socket, including invalid behaviour."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI, Request

from aggregates.policy.choices import PremiumType
from aggregates.vocabulary import StreamId
from api.sandbox.tax import BEHAVIOURS
from service.adapters.tax_authority import Tax, TaxAnswer, TaxOrder, TaxVerdict
from service.clock import monotonic_s
from tests.tax_patience import patience

pytestmark = pytest.mark.thorough

ROOT = Path(__file__).parents[3]
ORDER = TaxOrder(StreamId("prm_1"), "11010519491231002X", PremiumType.RESIDENT_BASIC, 2027, 40050)
START_S = 30.0
CONFIRMED, REFUSED, UNKNOWN = TaxVerdict.CONFIRMED, TaxVerdict.REFUSED, TaxVerdict.UNKNOWN


class Sandbox:
    """The stand-in as a process; its file outlives it."""

    def __init__(self, books: Path) -> None:
        """Start it on a free port."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [sys.executable, "-m", "api.sandbox.tax", str(port), str(books)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
        end = monotonic_s() + START_S
        while monotonic_s() < end:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
        self.url = f"http://127.0.0.1:{port}"
        self.patience_s = patience("normal")

    async def behave(self, word: str) -> None:
        """Set its behaviour."""
        async with httpx.AsyncClient(trust_env=False) as client:
            await client.post(f"{self.url}/behaviour", json={"now": word})
        self.patience_s = patience(word)

    def end(self) -> int:
        """End it by closing its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self._process.wait(20)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One stand-in for this module."""
    stand_in = Sandbox(tmp_path_factory.mktemp("tax") / "books.ndjson")
    yield stand_in
    assert 0 == stand_in.end()


def order(name: str) -> TaxOrder:
    return ORDER._replace(premium_id=StreamId(f"prm_{name}"))


async def asked(sandbox: Sandbox, operation: str, about: TaxOrder) -> TaxAnswer:
    tax = Tax(sandbox.url, timeout_s=sandbox.patience_s)
    answer: TaxAnswer = await getattr(tax, operation)(about)
    await tax.close()
    return answer


CHARGED = {
    "normal": (CONFIRMED, ""),
    "slow": (CONFIRMED, ""),
    "duplicate": (REFUSED, "PREMIUM_ALREADY_PAID"),
    "refused": (REFUSED, "TAX_REFUSED"),
    "late": (UNKNOWN, "TIMEOUT"),
    "lost": (UNKNOWN, "TIMEOUT"),
    "pending": (UNKNOWN, "PENDING"),
    "garbled": (UNKNOWN, "UNREADABLE"),
    "wrong_amount": (UNKNOWN, "MISMATCH"),
    "wrong_payee": (UNKNOWN, "MISMATCH"),
    "down": (UNKNOWN, "FAILED"),
    "benefit_used": (CONFIRMED, ""),
    "cleared": (CONFIRMED, ""),
}
NOT_BOOKED = {"lost", "down"}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_only_a_whole_answer_is_believed(sandbox: Sandbox, behaviour: str) -> None:
    """However it answers a charge, a later query gives the result; it books at most once."""
    about = order(f"charge-{behaviour}")
    await sandbox.behave(behaviour)
    first = await asked(sandbox, "charge", about)
    await sandbox.behave("normal")
    later = await asked(sandbox, "query", about)
    again = await asked(sandbox, "charge", about)

    assert CHARGED[behaviour] == first[:2]
    assert (TaxVerdict.NOT_FOUND if behaviour in NOT_BOOKED else again.verdict) == later.verdict
    assert again.verdict in {CONFIRMED, REFUSED}
    assert again == await asked(sandbox, "query", about)
    assert (again.receipt is not None) == (again.verdict is CONFIRMED)


REVERSED = CHARGED | {
    "normal": (TaxVerdict.REVERSED, ""),
    "slow": (TaxVerdict.REVERSED, ""),
    "duplicate": (TaxVerdict.REVERSED, ""),
    "refused": (TaxVerdict.REVERSED, ""),
    "benefit_used": (REFUSED, "BENEFIT_USED"),
    "cleared": (REFUSED, "CLEARED"),
}


@pytest.mark.parametrize("behaviour", BEHAVIOURS)
async def test_a_reversal_is_believed_whole_too(sandbox: Sandbox, behaviour: str) -> None:
    """However it answers a reversal, a repeated call reverses it once."""
    about = order(f"reverse-{behaviour}")
    await sandbox.behave("normal")
    await asked(sandbox, "charge", about)
    await sandbox.behave(behaviour)
    first = await asked(sandbox, "reverse", about)
    await sandbox.behave("normal")

    assert REVERSED[behaviour] == first[:2]
    assert TaxVerdict.REVERSED is (await asked(sandbox, "reverse", about)).verdict


async def test_nobody_else_s_order_is_answered(sandbox: Sandbox) -> None:
    """The same id with another amount or person is refused."""
    await sandbox.behave("normal")
    mine = order("mine")
    await asked(sandbox, "charge", mine)

    for other in (mine._replace(amount_fen=1), mine._replace(cert_no="ID-2")):
        for operation in ("charge", "query", "reverse"):
            assert REFUSED is (await asked(sandbox, operation, other)).verdict
    assert CONFIRMED is (await asked(sandbox, "query", mine)).verdict


async def test_an_order_it_never_had_is_not_found(sandbox: Sandbox) -> None:
    """`not_found` answers a query, not a reversal."""
    await sandbox.behave("normal")

    assert TaxVerdict.NOT_FOUND is (await asked(sandbox, "query", order("never"))).verdict
    assert (UNKNOWN, "UNREADABLE") == (await asked(sandbox, "reverse", order("never")))[:2]


async def test_a_tax_side_that_is_not_there_is_unknown() -> None:
    """Without a server the outcome is unknown, and nothing is raised."""
    tax = Tax("http://127.0.0.1:9")

    assert TaxAnswer(UNKNOWN, "UNREACHABLE") == await tax.charge(ORDER)
    await tax.close()


async def test_its_books_outlive_it_and_name_nobody(tmp_path: Path) -> None:
    """After a restart it has its orders; its file contains no ID number."""
    books = tmp_path / "books.ndjson"
    first = Sandbox(books)
    booked = await asked(first, "charge", ORDER)
    assert 0 == first.end()
    second = Sandbox(books)

    assert booked == await asked(second, "query", ORDER)
    assert TaxVerdict.REVERSED is (await asked(second, "reverse", ORDER)).verdict
    assert 0 == second.end()
    assert ORDER.cert_no not in books.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({}, ""),
        ({"order": "prm_2"}, "MISMATCH"),
        ({"insurance": "ltci"}, "MISMATCH"),
        ({"year": 2028}, "MISMATCH"),
        ({"year": "2027"}, "UNREADABLE"),
        ({"amount": "400.5"}, "MISMATCH"),
        ({"amount": None}, "UNREADABLE"),
        ({"result": "reversed"}, "UNREADABLE"),
        ({"result": "yes"}, "UNREADABLE"),
        ({"receipt": "x" * 65}, "UNREADABLE"),
        ({"receipt": "中"}, "UNREADABLE"),
    ],
)
async def test_an_answer_names_the_order_to_the_letter(
    changed: dict[str, object], word: str
) -> None:
    """An invalid or unequal member makes the answer invalid; the URL has no personal data."""
    seen: list[str] = []
    app = FastAPI()

    @app.post("/v2/charges")
    async def answer(request: Request) -> dict[str, object]:
        seen.append(str(request.url))
        told: dict[str, object] = {
            "order": "prm_1",
            "cert_no": ORDER.cert_no,
            "insurance": "resident_basic",
            "year": 2027,
            "amount": "400.50",
            "result": "confirmed",
        }
        return told | changed

    client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app))
    tax = Tax("http://tax/v2/", client)

    assert word == (await tax.charge(ORDER)).word
    assert ["http://tax/v2/charges"] == seen
    await tax.close()
