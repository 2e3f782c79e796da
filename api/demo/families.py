"""The demo's data: `people.ndjson`, a file for `./gongji import`, and `day.toml`, what happens."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

from service.bilingual import Bilingual

FOLDER = Path(__file__).parent
PEOPLE = (FOLDER / "people.ndjson").read_bytes().splitlines()
DAY = tomllib.loads((FOLDER / "day.toml").read_text(encoding="utf-8"))
TEXTS = {name: Bilingual(**text) for name, text in DAY["texts"].items()}


class DemoStep(NamedTuple):
    """An act and its body; the head of `day.toml` explains the fields."""

    act: str
    body: dict[str, Any]
    zh: str = ""
    en: str = ""
    reaction: str = "confirm"
    days_ago: int = 0
    until: str = ""
    quoted: bool = False

    @property
    def name(self) -> str:
        """A name of its own: by its claim's key, or else by a digest of its body."""
        digest = hashlib.sha256(json.dumps(self.body).encode()).hexdigest()
        return f"{self.act}:{self.body.get('key', digest[:16])}"


class DemoFamily(NamedTuple):
    """A family of one region: its title, its members' person numbers, the steps of its day."""

    zh: str
    en: str
    members: tuple[str, ...]
    steps: tuple[DemoStep, ...]


def _family(table: dict[str, Any]) -> DemoFamily:
    steps = tuple(_step(step) for step in table["steps"])
    return DemoFamily(table["zh"], table["en"], tuple(table["members"]), steps)


def _step(table: dict[str, Any]) -> DemoStep:
    (act,) = table.keys() - set(DemoStep._fields)
    others = {name: value for name, value in table.items() if name != act}
    return DemoStep(act, table[act], **others)


def _accounts() -> dict[str, dict[str, Any]]:
    """The account lines by person number, each with its `balance` after the credits."""
    accounts: dict[str, dict[str, Any]] = {}
    for line in map(json.loads, PEOPLE):
        if line["type"] == "account":
            accounts[line["person_no"]] = line | {"balance": {"current": "0.00", "prior": "0.00"}}
        elif line["type"] == "credit":
            bucket = line.get("bucket", "current")
            accounts[line["person_no"]]["balance"][bucket] = line["amount"]
    return accounts


ACCOUNTS = _accounts()
ENGLISH = {number: name for table in DAY["families"] for number, name in table["members"].items()}
MEMBERS = {number: Bilingual(ACCOUNTS[number]["name"], name) for number, name in ENGLISH.items()}
FAMILIES = tuple(map(_family, DAY["families"]))
STEPS = [step for family in FAMILIES for step in family.steps]
CLAIMS = {step.body["key"]: step.body for step in STEPS if step.act == "claim"}
