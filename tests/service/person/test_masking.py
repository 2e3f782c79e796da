"""Names are masked by one rule, wherever they are shown."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RULE = "service/person/masking.py"


def test_only_one_module_writes_stars() -> None:
    """No other module repeats a star to hide part of a name or number (policy.md §6.2)."""
    modules = {
        str(path.relative_to(ROOT))
        for room in ("aggregates", "projections", "service", "api")
        for path in (ROOT / room).rglob("*.py")
        if any(map(repeats_a_star, ast.walk(ast.parse(path.read_text(encoding="utf-8")))))
    }

    assert {RULE} == modules


def repeats_a_star(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mult)
        and any(
            isinstance(side, ast.Constant) and side.value in ("*", "＊", "•")
            for side in (node.left, node.right)
        )
    )
