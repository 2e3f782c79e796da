"""The guide of the client is true: its programs and commands run against the application."""

import asyncio
import contextlib
import re
import shlex
import tomllib
from collections.abc import AsyncIterator, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from typing_extensions import override

import gongji_client
from gongji_client import Client, pytest_plugin
from gongji_client.__main__ import main
from tests.api.client.losing import token_of
from tests.api.client.test_webhooks import BODY, HEADERS, NOW, SECRET
from tests.api.clients import AUDITOR, HOSPITAL, Desk, a_family, a_person, an_account
from tests.api.clients import NOW as TODAY

PACKAGE = Path(gongji_client.__file__).parents[1]
GUIDE = (PACKAGE / "README.md").read_text(encoding="utf-8")
ADDRESS = "http://127.0.0.1:8000"
PEOPLE = {"DEMO01": "P1", "DEMO03": "P2"}
"""The demo's people, and who they are at this desk."""
INSTALLING = "pip install ./api/client"


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)


class Quiet(uvicorn.Server):
    """uvicorn without its signal handlers: it runs beside the tests."""

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def served(desk: Desk) -> AsyncIterator[str]:
    """The address of a desk's application on a port that was free."""
    app: Any = desk.front._transport  # noqa: SLF001 -- the application that is behind it
    server = Quiet(uvicorn.Config(app.app, port=0, lifespan="off", log_level="warning"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        assert not serving.done()
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def here(text: str, address: str) -> str:
    """A text of the guide with this desk's address and people."""
    for name, own in (PEOPLE | {ADDRESS: address}).items():
        text = text.replace(name, own)
    return text


async def test_programs_and_commands_run(
    desk_on_postgres: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Copied block by block and line by line, on a real connection."""
    desk = desk_on_postgres
    await a_family(desk)
    await an_account(desk, "P2")
    counter, other = (text for text in blocks("python") if "Client(" in text)
    told = {"token": token_of(desk, HOSPITAL), "today": TODAY.date().isoformat()}
    async with served(desk) as address:
        await asyncio.to_thread(exec, here(counter, address), told)
        await asyncio.to_thread(exec, here(other, address), told)
        programs = capsys.readouterr().out.splitlines()
        kinds, positions = await asyncio.to_thread(listed, address, desk)
        said = [await said_by(line, address, desk, tmp_path, capsys) for line in commands()]

    assert ["expected cash 0.00", "cash to take 0"] == programs[:2]
    assert programs[2].endswith(" settled")
    assert ["debited", "credited"] == kinds
    assert list(range(3, 3 + len(positions))) == positions
    quoted, settled, invited, statement = said
    assert "plan_hash" in quoted
    assert '"status": "settled"' in settled
    assert re.search(r"^status +invited$", invited, re.MULTILINE)
    assert 3 == len(statement.splitlines())


def commands() -> list[str]:
    return [line for block in blocks("sh") for line in block.splitlines() if line != INSTALLING]


def listed(address: str, desk: Desk) -> tuple[list[str], list[int]]:
    """What lists bring to a blocking client: entries one a page, and the log's positions."""
    with Client(address, token_of(desk, a_person("P1"))) as client:
        whole = [entry["kind"] for entry in client.entries("P1")]
        paged = [e["kind"] for e in client.listed("/v1/accounts/P1/entries", {"limit": "1"})]
    assert whole == paged
    with Client(address, token_of(desk, AUDITOR)) as auditor:
        return paged, [event["position"] for event in auditor.events(after=2)]


async def said_by(
    line: str, address: str, desk: Desk, place: Path, capsys: pytest.CaptureFixture[str]
) -> str:
    """Run a command of the guide; what it printed. It ends with 0 and complains of nothing."""
    claim = re.search(
        r"^claim = (\{.*?^\})", here(blocks("python")[0], address), re.MULTILINE | re.DOTALL
    )
    assert claim
    bill = claim[1].replace("visit-1", "visit-2").replace("},\n}", "}\n}")
    (place / "claim.json").write_text(re.sub(r",\s*\}", "}", bill), encoding="utf-8")
    (place / "hospital.token").write_text(token_of(desk, HOSPITAL) + "\n", encoding="utf-8")
    (place / "person.token").write_text(token_of(desk, a_person("P1")), encoding="utf-8")
    program, *words = shlex.split(here(line, address))
    paths = [str(place / word) if (place / word).exists() else word for word in words]
    status = await asyncio.to_thread(main, paths)
    out, err = capsys.readouterr()
    assert ("gongji-client", 0, "") == (program, status, err)
    return out


def test_the_webhook_program_runs() -> None:
    """With the published example for secret, headers and body."""
    (text,) = (text for text in blocks("python") if "verify_webhook" in text)
    told: dict[str, Any] = {"secret": SECRET, "headers": HEADERS, "body": BODY}
    exec(text.replace("int(time.time())", str(NOW)), told)  # noqa: S102 -- the guide's own

    assert "msg_loFOjxBNrRLzqYUf" == told["message_id"]


def test_every_program_of_the_guide_is_tried() -> None:
    """Four programs: two with clients, one with a webhook, one for pytest."""
    assert 4 == len(blocks("python"))
    assert INSTALLING in GUIDE


def test_the_package_says_what_it_holds() -> None:
    """Its script and its plugin are there, its module is its folder, and it is typed."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))
    entries = {
        **project["project"]["scripts"],
        **project["project"]["entry-points"]["pytest11"],
    }

    assert {"gongji-client": main} == {
        name: getattr(import_module(module), function)
        for name, place in project["project"]["scripts"].items()
        for module, _, function in [place.partition(":")]
    }
    assert pytest_plugin is import_module(entries["gongji_client"])
    assert "gongji_client" == project["tool"]["flit"]["module"]["name"]
    assert (PACKAGE / "gongji_client" / "py.typed").exists()
