"""The page at `/docs/fsi` is whole, fits a phone, and says what the code does."""

import ast
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args, get_type_hints

from typing_extensions import override

from aggregates.institution import FIRST_DIALECT
from aggregates.vocabulary import SignatureStyle
from api.his import docs_page
from api.his.deviations import FOLDER, read_toml
from api.his.wire.field_tables import TRANSACTIONS
from api.institution import DialectReply
from tests.api.clients import Desk

BOXED = {"table", "pre"}
PAGE_MAX = 400_000
CLOSED_BY_NEXT = {"meta", "li", "tr", "th", "br"}
"""Elements that have no end, or that the next one ends."""


class Structure(HTMLParser):
    """The anchors, the links, the texts of cells, and what lies where it may not."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.cells: set[str] = set()
        self.wrong: list[str] = []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = dict(attrs)
        self.ids += [told["id"] or ""] if "id" in told else []
        self.links += [told["href"] or ""] if "href" in told else []
        if tag == "table" and self.open[-1] != "div":
            self.wrong.append("a table outside of a box that scrolls")
        if tag in {"script", "img", "link", "iframe"} or "onclick" in told or "src" in told:
            self.wrong.append(f"{tag} needs what the policy forbids")
        if tag not in CLOSED_BY_NEXT:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag not in CLOSED_BY_NEXT and self.open.pop() != tag:
            self.wrong.append(f"{tag} ends in another element")

    @override
    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "td":
            self.cells.add(data)


def structure(text: str) -> Structure:
    parsed = Structure()
    parsed.feed(text)
    assert [] == parsed.open
    return parsed


async def test_the_page_has_contents_and_every_transaction(desk: Desk) -> None:
    """Every link leads to a heading of the page; it needs no script and no other network."""
    answer = await desk.front.get("/docs/fsi")
    seen = structure(answer.text)

    assert 200 == answer.status_code
    assert (
        "default-src 'none'; style-src 'unsafe-inline'"
        == (answer.headers["content-security-policy"])
    )
    assert [] == seen.wrong
    assert len(seen.ids) == len(set(seen.ids))
    own = {f"#{anchor}" for anchor in seen.ids} - {"#transactions"}
    assert own | {"/docs/fsi/check"} == set(seen.links)
    assert {f"#t{infno}" for infno in TRANSACTIONS} <= set(seen.links)
    assert set(SignatureStyle) <= seen.cells
    fields = (
        f for t in TRANSACTIONS.values() for node in (*t.takes, *t.gives) for f in node.fields
    )
    assert {field.name for field in fields} <= seen.cells
    assert len(answer.content) < PAGE_MAX


def test_wide_parts_scroll_inside_their_own_boxes() -> None:
    """A phone of 360 pixels scrolls no page sideways."""
    assert ".box,pre{overflow-x:auto;max-width:100%}" in docs_page.STYLE
    assert "overflow-wrap:anywhere" in docs_page.STYLE
    assert 'content="width=device-width, initial-scale=1"' in docs_page.page()


def test_the_dialects_are_those_of_the_settings() -> None:
    """Every setting with all of its values, the default first."""
    hints: dict[str, Any] = get_type_hints(DialectReply)
    values = {
        name: [str(value).lower() for value in get_args(hint) or (True, False)]
        for name, hint in hints.items()
        if name in FIRST_DIALECT.__slots__
    }
    told = {name: list(row["values"]) for name, row in read_toml("dialects.toml").items()}

    assert {name: set(of) for name, of in values.items()} == {n: set(of) for n, of in told.items()}
    defaults = {name: str(getattr(FIRST_DIALECT, name)).lower() for name in told}
    assert defaults == {name: of[0] for name, of in told.items()}


def texts_of_transactions() -> set[str]:
    """Every text in the code of the transactions."""
    nodes = (
        node
        for path in (FOLDER / "transactions").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    constants = (node.value for node in nodes if isinstance(node, ast.Constant))
    return {value for value in constants if isinstance(value, str)}


def test_unused_fields_are_named_nowhere_in_the_code() -> None:
    """What is said not to be used is not, and what nothing names is said."""
    taken = {f.name for t in TRANSACTIONS.values() for node in t.takes for f in node.fields}

    assert taken - texts_of_transactions() == set(read_toml("unused.toml")["fields"])


def test_the_extension_members_are_those_of_the_record() -> None:
    """What the answers have, and what the code reads of `exp_content`."""
    told = read_toml("extensions.toml")
    text = (FOLDER / "conversations.json").read_text(encoding="utf-8")
    answered: set[str] = set()
    for one in json.loads(text):
        output = one["answered"].get("output") or {}
        setlinfo = output.get("setlinfo") if isinstance(output, dict) else None
        answered |= set(json.loads((setlinfo or {}).get("exp_content") or "{}"))
    bills = Path(FOLDER / "transactions" / "bills.py").read_text(encoding="utf-8")

    assert answered <= set(told["out"])
    assert all(f'extra.get("{name}")' in bills for name in told["in"])
    assert len(told["in"]) == bills.count("extra.get(")
