"""Which tests need a database; `./gongji test --fast` runs the others.

A test needs one if the closure of its fixtures holds `cluster`, the server of all tests, if its
module asks for fixtures while it runs, or if its module can start a server of its own: it imports,
itself or through other modules of the tests, one of `STARTERS`.
"""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CLUSTER = "cluster"
ASKS_LATER = ".getfixturevalue("
"""What a test asks for while it runs is in no closure of fixtures."""
STARTERS = frozenset({"service.embedded_postgres.server", "tests.api.programs"})
"""Modules that start a PostgreSQL server, or a service with one."""
OWNER = ROOT / "tests" / "ledgers.py"
"""Starts the server of `cluster`, and no other."""


def needs_database(item: pytest.Item) -> bool:
    """Whether a test needs a PostgreSQL server, its own or the one of all tests."""
    return CLUSTER in getattr(item, "fixturenames", ()) or can_start_server(item.path)


@cache
def can_start_server(path: Path) -> bool:
    """Whether a module imports a starter, itself or through others, or asks for fixtures later."""
    if ASKS_LATER in path.read_text(encoding="utf-8"):
        return True
    known, waiting = {OWNER}, [path]
    while waiting:
        file = waiting.pop()
        if file in known:
            continue
        known.add(file)
        imported = _imports_of(file)
        if imported & STARTERS:
            return True
        files = (ROOT / f"{name.replace('.', '/')}.py" for name in imported)
        waiting += [other for other in files if ROOT / "tests" in other.parents and other.exists()]
    return False


@cache
def _imports_of(path: Path) -> set[str]:
    """The modules that a file may import: `from a import b` is `a`, or `a.b`."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return names
