"""The README is true: its commands run, its answer is the answer, its map is the disk."""

import dataclasses
import json
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.settings import Settings
from tests.api.programs import Service, a_place, environment
from tests.test_house import committed

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "README.zh-CN.md")
LINES_MAX = 150
CAPABILITIES_MIN = 10
ROOMS = ("aggregates", "projections", "service", "api")
OF_THE_MOMENT = {"settlement_id", "settled_at", "position"}
PROBED = {"./gongji test": "./gongji test --version"}
"""Commands that are only asked whether they start: this test is one of theirs."""


def blocks(page: str, kind: str) -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    fences = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [fence[2] for fence in fences if fence[1] == kind]


def a_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def told() -> Iterator[list[str]]:
    """What the shell said to each line of the README, on a service started by its first."""
    port = str(a_free_port())
    start, *others = blocks("README.md", "sh")
    with a_place() as place:
        own = environment(GONGJI_DATA=str(place / "data"), GONGJI_PORT=port)
        service = Service(start.split(), own)
        try:
            assert f"http://127.0.0.1:{port}" == service.address
            lines = [line for block in others for line in block.splitlines()]
            yield [say(line, own, port, lines[:at]) for at, line in enumerate(lines)]
        finally:
            assert 0 == service.stop()


def say(line: str, own: dict[str, str], port: str, before: list[str]) -> str:
    """Run one line as a reader would, after the assignments that came before it."""
    words = PROBED.get(line, line).replace(":8000", f":{port}")
    known = [earlier for earlier in before if re.match(r"[A-Z]+=", earlier)]
    done = subprocess.run(
        ["sh", "-euc", "\n".join([*known, words])],
        cwd=ROOT,
        env=own | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == done.returncode, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


def shape(value: Any) -> Any:  # noqa: ANN401 -- JSON
    """A JSON value with its kinds in the place of its words."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


def test_the_commands_run_and_the_answer_is_the_answer(told: list[str]) -> None:
    """Copied line by line they work, and the settlement is the one that is shown."""
    (shown,) = map(json.loads, blocks("README.md", "json"))
    answer = next(json.loads(said) for said in told if said.startswith("{"))

    assert shape(shown) == shape(answer)
    for name in set(shown) - OF_THE_MOMENT:
        assert shown[name] == answer[name]
    assert list(shown) == list(answer)


@pytest.mark.parametrize("page", PAGES)
def test_both_pages_show_the_same_commands(page: str) -> None:
    """What is tried in one language is what is shown in the other, and fits one sitting."""
    for kind in ("sh", "json"):
        assert blocks(PAGES[0], kind) == blocks(page, kind)
    assert len((ROOT / page).read_text(encoding="utf-8").splitlines()) <= LINES_MAX


@pytest.mark.parametrize("page", PAGES)
def test_the_map_is_the_disk(page: str) -> None:
    """Every entry of the root and every folder of the rooms is on the map, and nothing else."""
    (tree,) = blocks(page, "")
    mapped = {line.split()[0].rstrip("/") for line in tree.splitlines()}
    capabilities = capabilities_of(page)
    folders = {
        folder
        for room in ROOMS
        for folder in [room, *(f"{room}/{name}" for name in folders_in(ROOT / room))]
        if folder.rpartition("/")[2] not in capabilities
    }
    entries = {name for name in committed() | {*PAGES, "CHANGELOG.md"} if not name.startswith(".")}

    assert entries | folders == mapped | {page}


def capabilities_of(page: str) -> set[str]:
    """The names on the line that lists the capabilities: at least ten words of code."""
    lines = (ROOT / page).read_text(encoding="utf-8").splitlines()
    (line,) = [line for line in lines if len(re.findall(r"`[a-z_]+`", line)) >= CAPABILITIES_MIN]
    return set(re.findall(r"`([a-z_]+)`", line))


def folders_in(room: Path) -> set[str]:
    return {path.name for path in room.iterdir() if path.is_dir() and path.name != "__pycache__"}


@pytest.mark.parametrize("page", PAGES)
def test_a_capability_has_one_name(page: str) -> None:
    """A capability on the list is a module or folder of a layer; its tests lie under its name."""
    named = {path.stem for room in ROOMS for path in (ROOT / room).iterdir()}
    tested = {name for room in ROOMS for name in folders_in(ROOT / "tests" / room)}

    assert set() == capabilities_of(page) - named
    assert set() == tested - named


@pytest.mark.parametrize("page", PAGES)
def test_every_setting_is_listed(page: str) -> None:
    """An operator finds each field of the settings by its variable, and no other."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fields = {f"GONGJI_{field.name.upper()}" for field in dataclasses.fields(Settings)}
    of_run = set(re.findall(r"GONGJI_[A-Z_]+", (ROOT / "api/commands/run.py").read_text("utf-8")))

    assert fields | of_run == set(re.findall(r"GONGJI_[A-Z_]+", text))


@pytest.mark.parametrize("page", PAGES)
def test_what_it_names_is_there(page: str) -> None:
    """Files and commands in the text exist; headings are the same in number."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:api|service|aggregates|projections|tests)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    heads = [len(re.findall(r"(?m)^## ", (ROOT / p).read_text(encoding="utf-8"))) for p in PAGES]
    assert heads[0] == heads[1]
