"""The house rules that no linter knows."""

import ast
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from aggregates.topics import TOPICS

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("aggregates", "service", "projections", "api")
FUNCTION_LINES_MAX = 70
MODULES_MAX = 15
ALONE = ROOT / "api" / "verify" / "gongji_verify.py"
"""The offline verifier: an auditor copies this one file and needs nothing else."""
WORDS = ("aggregates.vocabulary", "aggregates.policy.choices")
DUPLICATES = ROOT / "tests" / "samples" / "duplicate_type_names.txt"
"""A name and how many modules define it; a line goes when the name has one meaning again."""
LOCKS = ("requirements.lock", "requirements-dev.lock")

ENTRIES = {
    *ROOMS,
    *LOCKS,
    "tests",
    "gongji",
    "pyproject.toml",
    "LICENSE",
    "README.md",
    "README.zh-CN.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Dockerfile",
    "k8s",
}

UNWELCOME = {
    "base",
    "common",
    "core",
    "data",
    "handler",
    "handlers",
    "helper",
    "helpers",
    "info",
    "item",
    "items",
    "manager",
    "managers",
    "misc",
    "process",
    "processor",
    "service",
    "tmp",
    "util",
    "utils",
}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(*rooms: str) -> list[Path]:
    return sorted(path for room in rooms for path in (ROOT / room).rglob("*.py"))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def functions_of(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def at(path: Path, node: ast.stmt | ast.expr) -> str:
    return f"{path.relative_to(ROOT)}:{node.lineno}"


PROGRAMS = [*sources(*ROOMS, "tests"), ROOT / "gongji"]


def test_functions_can_be_read_at_once() -> None:
    """No function is longer than 70 lines; 40 is the guide, as 300 is for a file."""
    long = [
        f"{at(path, function)} {function.name}"
        for path in PROGRAMS
        for function in functions_of(path)
        if (function.end_lineno or 0) - function.lineno + 1 > FUNCTION_LINES_MAX
    ]

    assert [] == long


def test_a_folder_can_be_seen_at_once() -> None:
    """No folder of the rooms has more than 15 modules, but the commands: one file each."""
    crowded = {
        str(folder.relative_to(ROOT)): len(modules)
        for folder in {path.parent for path in sources(*ROOMS)} - {ROOT / "api" / "commands"}
        if len(modules := list(folder.glob("*.py"))) > MODULES_MAX
    }

    assert {} == crowded


def test_rules_never_wait_and_never_round() -> None:
    """The rules know no coroutine and no floating point number."""
    waiting = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
    found = [
        at(path, node)
        for path in sources("aggregates")
        for node in ast.walk(tree_of(path))
        if isinstance(node, waiting)
        or (isinstance(node, ast.Name) and node.id == "float")
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ]

    assert [] == found


def imports_of(path: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((at(path, node), name.name.partition(".")[0]) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield at(path, node), (node.module or "").partition(".")[0]


def test_rules_lean_on_the_standard_library_alone() -> None:
    """The rules import the standard library and one another."""
    known = {*sys.stdlib_module_names, "aggregates"}
    found = [
        f"{place} {name}"
        for path in sources("aggregates")
        for place, name in imports_of(path)
        if name not in known
    ]

    assert [] == found


def test_the_verifier_leans_on_the_standard_library_alone() -> None:
    """The offline verifier imports nothing of ours and nothing that is to be installed."""
    foreign = {name for _, name in imports_of(ALONE)} - set(sys.stdlib_module_names)

    assert set() == foreign


def test_the_client_leans_on_httpx_and_the_standard_library_alone() -> None:
    """It is installed where the service is not; its plugin for pytest comes with pytest."""
    known = {*sys.stdlib_module_names, "gongji_client", "httpx"}
    foreign = {
        (path.name, name)
        for path in sources("api/client")
        for _, name in imports_of(path)
        if name not in known
    }

    assert {("pytest_plugin.py", "pytest")} == foreign


def test_events_do_not_change() -> None:
    """Every event class, wherever it lies, is a frozen dataclass with slots and keywords only."""
    loose = [
        f"{event.__module__}.{event.__qualname__}"
        for event in TOPICS
        if not (
            getattr(vars(event).get("__dataclass_params__"), "frozen", False)
            and "__slots__" in vars(event)
            and all(field.kw_only for field in fields(event))
        )
    ]

    assert [] == loose


def test_the_api_knows_only_words_of_the_rules() -> None:
    """The api imports the vocabulary and a policy's choices, and nothing else of the rules."""
    found = [
        f"{at(path, node)} {node.module}"
        for path in sources("api")
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ImportFrom)
        if (node.module or "").partition(".")[0] == "aggregates"
        if node.module not in WORDS
    ]

    assert [] == found


def type_names() -> Iterator[str]:
    """Name every class and every type alias at the top of a module of the rooms."""
    for path in sources(*ROOMS):
        for node in tree_of(path).body:
            if isinstance(node, ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Subscript | ast.BinOp):
                names = [target.id for target in node.targets if isinstance(target, ast.Name)]
                yield from (name for name in names if not name.isupper() and name[0].isupper())


def test_a_type_name_means_one_thing() -> None:
    """No type name is defined more often than the list says; the list only shrinks."""
    listed = dict(line.split() for line in DUPLICATES.read_text(encoding="utf-8").splitlines())
    counted = {name: str(n) for name, n in sorted(Counter(type_names()).items()) if n > 1}

    assert listed == counted


def test_every_test_says_what_it_promises() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{at(path, function)} {function.name}"
        for path in sources("tests")
        for function in functions_of(path)
        if function.name.startswith("test") and not ast.get_docstring(function)
    ]

    assert [] == silent


def test_names_say_something() -> None:
    """No file and no class of the rooms is named after nothing in particular."""
    files = [(str(path.relative_to(ROOT)), path.stem) for path in sources(*ROOMS, "tests")]
    classes = [
        (f"{at(path, node)} {node.name}", re.sub(r"(?<!^)(?=[A-Z])", "_", node.name).lower())
        for path in sources(*ROOMS)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.ClassDef)
    ]

    assert [] == [place for place, name in files if name in UNWELCOME]
    assert [] == [place for place, name in classes if name.split("_")[-1] in UNWELCOME]


def test_nothing_is_left_for_later() -> None:
    """No file carries a note to finish it some day."""
    later = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    deployed = [path for path in (ROOT / "k8s").rglob("*") if path.is_file()]
    found = [
        str(path.relative_to(ROOT))
        for path in [*PROGRAMS, *deployed, ROOT / "Dockerfile", ROOT / "pyproject.toml"]
        if path.exists() and later.search(path.read_text(encoding="utf-8"))
    ]

    assert [] == found


@pytest.mark.parametrize("name", LOCKS)
def test_locks_name_no_address(name: str) -> None:
    """A lock holds versions and hashes; where to fetch them is the reader's choice."""
    text = (ROOT / name).read_text(encoding="utf-8")

    assert [] == re.findall(r"^.*(?:://|file:|index-url|find-links|@ ).*$", text, re.MULTILINE)
    assert [] == re.findall(r"^(?![#\s]|[\w.-]+==).+$", text, re.MULTILINE)


def test_the_development_lock_holds_the_runtime_lock() -> None:
    """What is tested is what runs: the same versions with the same hashes."""
    runtime, development = (
        set(re.split(r"\n(?=\w)", (ROOT / name).read_text(encoding="utf-8").strip())[1:])
        for name in LOCKS
    )

    assert set() == runtime - development


def committed() -> set[str]:
    """Name the root entries: those git knows, or those on disk where there is no git."""
    on_disk = {path.name for path in ROOT.iterdir()}
    git = shutil.which("git")
    if git is None or ".git" not in on_disk:
        return on_disk - {"__pycache__"}
    known = subprocess.run(
        [git, "-c", f"safe.directory={ROOT}", "ls-files", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return {name.partition("/")[0] for name in known.stdout.split("\0") if name}


def test_the_front_door_is_tidy() -> None:
    """The root holds what the README's map shows, and no other file of prose."""
    entries = {name for name in committed() if not name.startswith(".")}

    assert set() == entries - ENTRIES
    assert set() == {name for name in ENTRIES - {"Dockerfile", "k8s"} if not (ROOT / name).exists()}
