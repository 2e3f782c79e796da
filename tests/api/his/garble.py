"""Messages as no system should send them: recorded ones, garbled by a seeded chance.

The transactions come in an order in which each may succeed, and name numbers that the service
gave out, so that many a message gets past the first look. Nothing here imports the service.
"""

import copy
import itertools
import json
import random  # noqa: TID251 -- seeded
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tests.api.his.judge import OUR_IDS, members

RECORD = Path(__file__).parents[3] / "api" / "his" / "conversations.json"
CHAINS = (
    "2201 2203 2204 2205 2206A 2207A 4101 5203 5204 5201 5202 2208 2204 2207A 2601 GJ01",
    "2401 2403 2301 2302 2303 2304 5303 2402 2305 2405 2404",
    "2101 2102 5203 5204 2103 2101 2102 2601",
    "9001 1101 1162 1201 2001 2503 5301 2504 5205 5206 2201 2202 9002",
    "2201 2204 2207A GJ01 2102 3201 9101 3202 9102 3203 3204 3260",
)
"""Transactions in the order of a counter, a stay, a purchase and the day's end."""
HOSPITAL, PHARMACY = "H99000000001", "P99000000001"
PEOPLE = {"P1": "ID-P1", "S1": "ID-S1", "R1": "11010519491231002X"}
GARBLED = 0.55
"""The share of messages that are garbled; the others are as a system sends them."""
REMEMBERED = 40
LEAF_COUNT, DEEP, LONG = 3, 2000, 8_000
RAWS = (
    *("NaN", "Infinity", "-Infinity", "1e999999999", "1e-999999999", "-", "01", "undefined"),
    *("9" * 5000, f"0.{'0' * 4000}1", "[" * DEEP + "]" * DEEP, '{"a":' * DEEP + "1" + "}" * DEEP),
)
"""JSON that no object of this language is written as, and what looks like it."""

LEAVES: tuple[Any, ...] = (
    *(None, True, False, "", " ", "null", "NULL", "0", "-1", "01", "A" * 31, "9" * 400, "证" * 201),
    *(0, -1, 1, 2**31, 2**63, 2**64, -(2**63), 10**30, 0.1 + 0.2, 1e308, -0.0, 1e-300),
    *("0.005", "1e400", "1E+2", "NaN", "-Infinity", "１２３", "١٢٣", "1_000", "0x10", "+5", "1,0"),
    *(
        "0.00",
        "-0.01",
        "0.01",
        "128.50",
        "99999999999999.99",
        "100000000000000",
        "92233720368547758",
    ),
    *("0001-01-01 00:00:00", "9999-12-31 23:59:59", "1899-12-31", "2026-02-30", "20260229"),
    *("2027-03-03", "1772417700000", "-62135596800000", "3/2/2026 1:00:00 AM", "2026-03-02T00Z"),
    *(
        "2026-03-02 24:00:00",
        "2026-03-02T10:15:00+23:59",
        "0000-00-00 00:00:00",
        "202613",
        "000001",
    ),
    *("\x00", "a\x00b", "\ud800", "\udfff\ud800", "\u202e", "\ufeff", "\t\r\n", "😀" * 15, "\x7f"),
    *("11010519491231002X", "11010519491231002x", "P1", "S1", "R1", "ID-P1", "0000", "../../etc"),
    *("'; DROP TABLE events; --", "%s%n{0}", "[]", "{}", '{"a":', "[[1]]", '"x"', "\\", "{}" * 900),
    *(
        [],
        {},
        [None],
        [[]],
        [{}],
        {"": ""},
        {"data": {}},
        [1, "2", None, {"x": []}],
        {"a": {"b": 1}},
    ),
    *(f"@RAW{number}@" for number in range(len(RAWS))),
)
"""What stands in the place of a value."""
NAMES = ("data", "mdtrtinfo", "input", "", "infno", "msgid", "psn_no", "__proto__", "\x00", "编号")
PATHS = (
    *("/fsi/api/rsfComIfsService/callService",) * 6,
    *("/fsi/api/rsfComIfsService/callService/2207", "/mss/web/api/fsi/callService", "/CSB"),
    *("/fsi/api/fileupload/upload", "/fsi/api/fileupload/download", "/power-csb/x", "/fsi/api/%00"),
    *("/ebus/gdyb_inf/poc/hsa/hgs/1101", "/fsi/api/reverseService/revsMethod"),
)


class Garbled(NamedTuple):
    """A message to send: where to, its bytes, and the number that it had before it was garbled."""

    path: str
    body: bytes
    msgid: str


class Garbler:
    """Makes messages, and learns the service's numbers from its answers."""

    def __init__(self, seed: int) -> None:
        """Begin with the recorded conversations."""
        self._chance = random.Random(seed)  # noqa: S311 -- a test's dice
        asked = [one["asked"] for one in json.loads(RECORD.read_text(encoding="utf-8"))]
        self._recorded: dict[str, dict[str, Any]] = {one["infno"]: one for one in asked}
        assert set(self._recorded) == set(" ".join(CHAINS).split()), "every transaction is played"
        self._numbers = itertools.count(1)
        self._known: dict[str, deque[str]] = {}
        self._asked: deque[dict[str, Any]] = deque(maxlen=REMEMBERED)
        self._chain: deque[str] = deque()
        self._visit = self._person = ""

    # ------------------------------------------------------------- sane messages

    def message(self) -> Garbled:
        """The next message."""
        asked = self._sane()
        if self._chance.random() > GARBLED:
            self._asked.append(asked)
            body = json.dumps(asked, ensure_ascii=False).encode()
            return Garbled(PATHS[0], body, asked["msgid"])
        told, path = copy.deepcopy(asked), self._chance.choice(PATHS)
        for _ in range(self._chance.choice((1, 1, 1, 2, 5))):
            told = self._chance.choice(WAYS)(self, told)
        return Garbled(path, self._bytes(told), asked["msgid"])

    def learn(self, msgid: str, output: Any) -> None:  # noqa: ANN401 -- JSON
        """Keep the numbers in the output of a good answer."""
        for name, value in members(output) if isinstance(output, dict | list) else ():
            if name in OUR_IDS and isinstance(value, str) and value:
                self._known.setdefault(name, deque(maxlen=REMEMBERED)).append(value)
        self._known.setdefault("omsgid", deque(maxlen=REMEMBERED)).append(msgid)

    def _sane(self) -> dict[str, Any]:
        """A message as recorded, with numbers that the service knows."""
        if not self._chain or self._chance.random() < 0.02:
            self._chain = deque(self._chance.choice(CHAINS).split())
            self._visit = str(next(self._numbers))
            self._person = self._chance.choice(("P1", "P1", "P1", "S1", "R1"))
        infno = self._chain.popleft()
        asked = copy.deepcopy(self._recorded[infno])
        asked["msgid"] = f"GARBLED{next(self._numbers):012d}"
        if infno in ("2101", "2102", "2103"):
            asked["fixmedins_code"] = PHARMACY
        self._rename(asked["input"])
        return asked

    def _rename(self, held: Any) -> None:  # noqa: ANN401 -- JSON
        for row in held if isinstance(held, list) else ():
            self._rename(row)
        if not isinstance(held, dict):
            return
        for name, value in held.items():
            if value == "P1":
                held[name] = self._person
            elif value == PEOPLE["P1"]:
                held[name] = PEOPLE[self._person]
            elif name in ("ipt_otp_no", "ipt_no", "invono") and value:
                held[name] = f"{value}-{self._visit}"
            elif name in self._known:
                is_last = self._chance.random() < 0.9
                known = self._known[name]
                held[name] = known[-1] if is_last else self._chance.choice(known)
            else:
                self._rename(value)

    # ------------------------------------------------------------- garbled ones

    def _places(self, held: Any) -> list[tuple[Any, Any]]:  # noqa: ANN401 -- JSON
        """Every container and key below a value."""
        found: list[tuple[Any, Any]] = []
        keys = list(held) if isinstance(held, dict) else range(len(held))
        for key in keys:
            found.append((held, key))
            if isinstance(held[key], dict | list):
                found += self._places(held[key])
        return found

    def _place(self, told: Any) -> tuple[Any, Any]:  # noqa: ANN401 -- JSON
        """A place in the input, or sometimes in the head."""
        whole = isinstance(told, dict) and isinstance(told.get("input"), dict | list)
        is_head = not whole or self._chance.random() < 0.15
        places = self._places(told if is_head else told["input"])
        return self._chance.choice(places) if places else ({"x": 1}, "x")

    def value(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """Other values."""
        for _ in range(self._chance.randint(1, LEAF_COUNT)):
            held, key = self._place(told)
            held[key] = copy.deepcopy(self._chance.choice(LEAVES))
        return told

    def left_out(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """A member less."""
        held, key = self._place(told)
        del held[key]
        return told

    def added(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """A member more."""
        held, _ = self._place(told)
        if isinstance(held, dict):
            held[self._chance.choice(NAMES)] = copy.deepcopy(self._chance.choice(LEAVES))
        else:
            held.append(copy.deepcopy(self._chance.choice(LEAVES)))
        return told

    def renamed(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """A member under another name, or in capitals."""
        held, key = self._place(told)
        if isinstance(held, dict):
            held[self._chance.choice((*NAMES, str(key).upper()))] = held.pop(key)
        return told

    def wrapped(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """A list where an object is, an object where a list is, or a text of either."""
        held, key = self._place(told)
        value = held[key]
        ways = ([value], [value] * 3, {"data": value}, json.dumps(value), {"0": value})
        held[key] = self._chance.choice(ways)
        if isinstance(value, list):
            held[key] = value[0] if value else {}
        return told

    def many(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """A list much longer."""
        lists = [(h, k) for h, k in self._places(told) if isinstance(h[k], list) and h[k]]
        for held, key in lists[: len(json.dumps(told)) < LONG]:
            held[key] = held[key] * self._chance.choice((2, 300, 1001))
        return told

    def another_s(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """Another transaction's number over this input, or one that nobody knows."""
        others = (*self._recorded, "2102A", "3203A", "9999", "220", "２２０７", "2207;", "gj01")
        if isinstance(told, dict):
            told["infno"] = self._chance.choice(others)
        return told

    def replayed(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """The number of a message that was sent before, with another body or transaction."""
        if self._asked and isinstance(told, dict):
            before = self._chance.choice(self._asked)
            told["msgid"], told["infno"] = before["msgid"], before["infno"]
            if self._chance.random() < 0.5:
                told["fixmedins_code"] = before["fixmedins_code"]
                told["input"] = self.value({"input": copy.deepcopy(before["input"])})["input"]
        return told

    def crossed(self, told: Any) -> Any:  # noqa: ANN401 -- JSON
        """The other institution, or nobody's."""
        if isinstance(told, dict):
            told["fixmedins_code"] = self._chance.choice((PHARMACY, HOSPITAL, "H9", "", None, "人"))
        return told

    def _bytes(self, told: Any) -> bytes:  # noqa: ANN401 -- JSON
        """A message's bytes, often garbled once more."""
        chance = self._chance
        if isinstance(told, dict) and chance.random() < 0.1:
            told["input"] = json.dumps(told.get("input"))
        text = _raw(json.dumps(told, ensure_ascii=chance.random() < 0.5))
        if chance.random() < 0.7:
            return text.encode("utf-8", "surrogatepass")
        return chance.choice(BYTES)(chance, text)


Way = Callable[[Garbler, Any], Any]
WAYS: tuple[Way, ...] = (
    *(Garbler.value,) * 6,
    *(Garbler.left_out, Garbler.added, Garbler.renamed, Garbler.wrapped, Garbler.wrapped),
    *(Garbler.many, Garbler.another_s, Garbler.replayed, Garbler.replayed, Garbler.crossed),
)


def _raw(text: str) -> str:
    """JSON with the raw texts in the places of their names."""
    for number, raw in enumerate(RAWS):
        text = text.replace(f'"@RAW{number}@"', raw)
    return text


def _cut(chance: random.Random, text: str) -> bytes:
    whole = text.encode("utf-8", "surrogatepass")
    return whole[: chance.randrange(len(whole) + 1)]


def _noise(chance: random.Random, text: str) -> bytes:
    whole = bytearray(text.encode("utf-8", "surrogatepass"))
    for _ in range(chance.randint(1, 6)):
        whole[chance.randrange(len(whole))] = chance.randrange(256)
    return bytes(whole)


def _twice(chance: random.Random, text: str) -> bytes:
    """Every member of a name twice."""
    name = chance.choice(
        ("infno", "msgid", "input", "data", "psn_no", "mdtrt_id", "fixmedins_code")
    )
    value = json.dumps(chance.choice(("1101", None, {}, "P1", 5)))
    return text.replace(f'"{name}":', f'"{name}":{value},"{name}":').encode(
        "utf-8", "surrogatepass"
    )


def _encoded(chance: random.Random, text: str) -> bytes:
    encoding = chance.choice(("gb18030", "gbk", "utf-16", "utf-32", "big5", "latin-1", "utf-8-sig"))
    return text.encode(encoding, "replace")


def _doubled(chance: random.Random, text: str) -> bytes:
    for _ in range(chance.randint(1, 5) if len(text) < LONG else 1):
        text = json.dumps(text)
    return text.encode("utf-8", "surrogatepass")


def _nonsense(chance: random.Random, _: str) -> bytes:
    known = (b"", b"null", b"[]", b"{}", b'"', b"[" * 9000, b'{"a":' * 9000, b"\x00", b"\xff" * 9)
    return chance.choice((*known, chance.randbytes(chance.randint(1, 300))))


BYTES = (_cut, _noise, _twice, _encoded, _doubled, _nonsense)
"""Ways to garble bytes."""
