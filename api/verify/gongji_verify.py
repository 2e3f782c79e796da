#!/usr/bin/env python3
"""Check an export of a Gongji ledger offline: `gongji_verify.py EXPORT --key PUBKEY`.

One file that needs Python 3.11 or newer, its standard library and nothing of the service: copy
it, read it, run it anywhere. It prints whether each check holds, and every fault with its place.
Exit status 0: everything holds; 1: something does not; 2: nothing can be checked.

Trusted are this file, the keys given, and a checkpoint kept outside (`--checkpoint`). Without
such a checkpoint, a log whose newest rows were cut off still looks whole.

Parts: signatures and tree · reading · folding events · checking commands · the two forms of
export · main.
"""

import argparse
import base64
import hashlib
import io
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

JsonObject = dict[str, Any]
BEIJING = timezone(timedelta(hours=8))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN_MAX = 20
"""Faults shown for each check."""
WHY_MAX = 200
"""Characters of an error message that are shown."""
SERVICE_TOPIC = re.compile(r"[a-z]+\.[a-z-]+/\d+")
"""Topics of the service. A library that writes to the same log may count versions otherwise."""
CHECKS = {
    "format": "every line has its form",
    "signature": "a key given signed the checkpoint",
    "contiguity": "positions and versions have no gap, and times never run back",
    "tree": "every row is in the signed tree",
    "outside": "the log contains all that the checkpoint kept outside signed",
    "keys": "no key was used for two commands",
    "double entry": "every fen that a bill took or returned moved in an account, and no other did",
    "no negative": "no account was ever below zero",
    "order": "own money paid first, then sponsors in their order, each all that was available",
    "caps": "no sponsor paid more than a cap allowed",
    "authority": "every sponsor who paid had granted it, at that position",
    "life cycles": "everything began, continued and ended in order, decided on current versions",
    "policies": "every decision names the rules in force, and no published rule was edited",
}
"""The checks of a log, in the order they are printed."""
ACCESS_CHECKS = {
    "format": "every line has its form",
    "signature": "a key given signed the checkpoint",
    "contiguity": "positions have no gap",
    "chain": "every access is hashed over the one before it, up to the signed one",
    "outside": "the checkpoint kept outside signed one of these accesses",
}
"""The checks of an access log."""
FROM_FIRST = tuple(CHECKS)[5:]
"""Checks that need the log from its first row: all of the ledger itself."""


class VerifyError(Exception):
    """The input cannot be checked at all."""


class Fault(NamedTuple):
    """What does not hold, and where; position 0 stands for the export as a whole."""

    check: str
    position: int
    what: str


@dataclass(slots=True)
class Faults:
    """Faults that were found, and what was not checked: checks with a reason, rows by topic."""

    found: list[Fault] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)

    def add(self, check: str, position: int, what: str) -> None:
        """Add a fault."""
        self.found.append(Fault(check, position, what))


# ---------------------------------------------------------------- signatures and tree

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
CurvePoint = tuple[int, int, int, int]
"""Extended coordinates (RFC 8032 §5.1.4)."""


def _decoded(raw: bytes) -> CurvePoint | None:
    """A curve point from 32 bytes: y, and above it the lowest bit of x (RFC 8032 §5.1.3)."""
    number = int.from_bytes(raw, "little")
    y, sign = number & (1 << 255) - 1, number >> 255
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _add(left: CurvePoint, right: CurvePoint) -> CurvePoint:
    a = (left[1] - left[0]) * (right[1] - right[0]) % P
    b = (left[1] + left[0]) * (right[1] + right[0]) % P
    c = 2 * left[3] * right[3] * D % P
    d = 2 * left[2] * right[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n: int, point: CurvePoint) -> CurvePoint:
    product: CurvePoint = (0, 1, 1, 0)
    while n:
        if n & 1:
            product = _add(product, point)
        point = _add(point, point)
        n >>= 1
    return product


BASE = _decoded((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature holds (RFC 8032 §5.1.7)."""
    if len(public) != 32 or len(signature) != 64:  # noqa: PLR2004 -- bytes of the algorithm
        return False
    key, r = _decoded(public), _decoded(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or r is None or s >= L or BASE is None:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = _times(s, BASE)
    right = _add(r, _times(int.from_bytes(digest, "little") % L, key))
    is_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return is_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


class VerifierKey(NamedTuple):
    """A public key of a log: its name, its id of 4 bytes, and 32 bytes."""

    name: str
    key_id: bytes
    public: bytes


class NoteCheckpoint(NamedTuple):
    """A checkpoint read from a signed note. `is_signed`: a given key signed it.

    `accesses` is the position and the hash of the newest access; None in an older checkpoint.
    """

    origin: str
    size: int
    root: bytes
    accesses: tuple[int, bytes] | None
    is_signed: bool


def read_key(text: str) -> VerifierKey:
    """A key from `name+hash+base64`; raises VerifyError."""
    try:
        name, key_id, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        computed = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
    except ValueError as error:
        raise VerifyError(f"not a key: {text}") from error
    if computed.hex() != key_id or raw[:1] != b"\1":
        raise VerifyError(f"not a key of a log: {text}")
    return VerifierKey(name, computed, raw[1:])


def read_note(note: str, keys: Iterable[VerifierKey]) -> NoteCheckpoint:
    """A checkpoint from its signed note; raises VerifyError."""
    body, _, lines = note.partition("\n\n")
    accesses = None
    try:
        origin, size, root, *extensions = body.split("\n")
        for line in extensions:
            if line.startswith("accesses "):
                _, position, newest = line.split(" ")
                accesses = int(position), base64.b64decode(newest, validate=True)
        checkpoint = NoteCheckpoint(
            origin, int(size), base64.b64decode(root, validate=True), accesses, is_signed=False
        )
        signatures = [
            (name, base64.b64decode(raw, validate=True))
            for _, name, raw in (line.split(" ") for line in lines.splitlines())
        ]
    except ValueError as error:
        raise VerifyError("not a signed checkpoint") from error
    message = f"{body}\n".encode()
    is_signed = any(
        name == key.name == origin
        and raw[:4] == key.key_id
        and ed25519_holds(key.public, message, raw[4:])
        for name, raw in signatures
        for key in keys
    )
    return checkpoint._replace(is_signed=is_signed)


def read_outside(text: str, keys: Iterable[VerifierKey]) -> NoteCheckpoint:
    """A checkpoint kept outside: a note, a proof or receipt that ends with one, or our JSON."""
    if text.lstrip().startswith("{"):
        try:
            answer = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise VerifyError("not a checkpoint kept outside") from error
        text = str(answer.get("witnessed") or answer.get("checkpoint") or answer.get("proof") or "")
    if text.startswith(("c2sp.org/tlog-proof@v1\n", "old ")):
        text = text.partition("\n\n")[2]
    return read_note(text, keys)


def leaf_hash(members: Iterable[bytes]) -> bytes:
    """SHA-256 over 0x00 and each member behind its length."""
    raw = b"".join(struct.pack(">Q", len(member)) + member for member in members)
    return hashlib.sha256(b"\0" + raw).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


@dataclass(slots=True)
class Tree:
    """The Merkle tree of RFC 9162 over the leaves added so far."""

    size: int = 0
    _edge: list[bytes] = field(default_factory=list)

    def add(self, leaf: bytes) -> None:
        """Add the next leaf."""
        level = self.size
        while level & 1:
            leaf = _node_hash(self._edge.pop(), leaf)
            level >>= 1
        self._edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._edge:
            return hashlib.sha256(b"").digest()
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = _node_hash(left, root)
        return root


def proven_root(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 §2.1.3.2); None: not such a proof."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = _node_hash(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = _node_hash(root, sibling)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


# ---------------------------------------------------------------- reading


@dataclass(slots=True)
class ExportRow:
    """A row of the log with its proof. `event` and `act` are empty where a library wrote it."""

    position: int
    stream: str
    version: int
    topic: str
    recorded_at: int
    state: bytes
    leaf: bytes
    proof: list[bytes] | None
    note: str | None
    act: JsonObject | None = None
    event: JsonObject = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The keyed digest of the idempotency key of its command."""
        return str((self.act or {}).get("key_digest", ""))


def row_leaf(row: ExportRow) -> bytes:
    """The leaf that a row's fields give; raises ValueError and others where one does not fit."""
    return leaf_hash(
        (
            struct.pack(">q", row.position),
            bytes.fromhex(row.stream),
            struct.pack(">q", row.version),
            row.topic.encode(),
            struct.pack(">q", row.recorded_at),
            row.state,
        )
    )


def read_state(line: JsonObject) -> bytes:
    """The stored bytes of a row: `state` as text, or `state_base64`, never both."""
    if "state" not in line:
        return base64.b64decode(line["state_base64"], validate=True)
    if "state_base64" in line:
        raise ValueError("both state and state_base64")
    state: str = line["state"]
    return state.encode()


def read_row(text: str) -> ExportRow:
    """A row from its line; raises ValueError, KeyError or TypeError."""
    line = json.loads(text)
    state = read_state(line)
    proof = line.get("proof")
    row = ExportRow(
        position=int(line["position"]),
        stream=str(line["stream"]),
        version=int(line["version"]),
        topic=str(line["topic"]),
        recorded_at=int(line["recorded_at"]),
        state=state,
        leaf=base64.b64decode(line["leaf"]),
        proof=None if proof is None else [base64.b64decode(each) for each in proof],
        note=line.get("checkpoint"),
    )
    row_leaf(row)  # raises unless every field fits
    if SERVICE_TOPIC.fullmatch(row.topic):
        stored = json.loads(state)
        row.act = stored.get("act")
        row.event = stored["event"] if row.topic in TOPICS else {}
    return row


# ---------------------------------------------------------------- folding events


NEW_YEAR = "01-01"


def year_of(day: date, begins: str) -> int:
    """The insurance year of a day: the calendar year in which it began, on the day MM-DD."""
    return day.year - (f"{day:%m-%d}" < begins)


class PeriodSums(NamedTuple):
    """Sums in fen of the day, the month and the insurance year of `on`, from a day MM-DD on."""

    on: date = date.min
    day: int = 0
    month: int = 0
    year: int = 0

    def plus(self, on: date, fen: int, begins: str) -> "PeriodSums":
        """The sums with an amount added on a day; a negative one is a return."""
        newest = max(self.on, on)
        sums = self.as_of(newest, begins)
        added = PeriodSums(on, fen, fen, fen).as_of(newest, begins)
        return PeriodSums(
            newest, sums.day + added.day, sums.month + added.month, sums.year + added.year
        )

    def and_also(self, other: "PeriodSums", begins: str) -> "PeriodSums":
        """The sums of both on the newer of their days."""
        newest = max(self.on, other.on)
        mine, theirs = self.as_of(newest, begins), other.as_of(newest, begins)
        return PeriodSums(
            newest, mine.day + theirs.day, mine.month + theirs.month, mine.year + theirs.year
        )

    def as_of(self, on: date, begins: str) -> "PeriodSums":
        """The sums that count on a day: 0 for a day, month or year that is over."""
        is_month = (self.on.year, self.on.month) == (on.year, on.month)
        return PeriodSums(
            on,
            self.day if self.on == on else 0,
            self.month if is_month else 0,
            self.year if year_of(self.on, begins) == year_of(on, begins) else 0,
        )


NO_SUMS = PeriodSums()


@dataclass(slots=True)
class FoldedAccount:
    """An account after its events, in fen. `is_known`: no event of an unknown topic changed it.

    `received` is aid it got, `lent` aid it gave, `used` the aid it gave under each binding,
    `quotas` what each binding gave since a quota was first set for it. `pool` is the owner's family
    pool; `transfers` is a month and the transfers into the pool in it. `year` is the insurance
    year, which begins on the day `begins`, MM-DD.
    """

    region: str
    has_funds: bool
    year: int
    current: int = 0
    prior: int = 0
    is_frozen: bool = False
    has_ended: bool = False
    is_known: bool = True
    successor: str | None = None
    pool: str = ""
    transfers: tuple[str, int] = ("", 0)
    links: dict[str, JsonObject] = field(default_factory=dict)
    order: list[str] | None = None
    by_name: list[str] = field(default_factory=list)
    received: PeriodSums = NO_SUMS
    lent: PeriodSums = NO_SUMS
    used: dict[str, PeriodSums] = field(default_factory=dict)
    quotas: dict[str, int] = field(default_factory=dict)
    holds: dict[str, JsonObject] = field(default_factory=dict)
    filings: dict[str, JsonObject] = field(default_factory=dict)
    standing: str = "NORMAL"
    code: JsonObject | None = None
    suspended: dict[str, int] = field(default_factory=dict)
    begins: str = NEW_YEAR
    chronic: dict[str, bool] = field(default_factory=dict)
    """Filings of chronic diseases, and whether an agency granted each."""

    def lend(self, binding: str | None, on: date, fen: int) -> None:
        """Add what was paid under a binding; own money (no binding) is not counted."""
        if binding is None:
            return
        self.lent = self.lent.plus(on, fen, self.begins)
        if binding in self.used:
            self.used[binding] = self.used[binding].plus(on, fen, self.begins)
        if binding in self.quotas:
            self.quotas[binding] = max(0, self.quotas[binding] + fen)

    def as_spent(self, at: datetime) -> "FoldedAccount":
        """A copy with past years closed and the holds in force at a moment already paid."""
        copy = replace(self, used=dict(self.used), quotas=dict(self.quotas))
        is_over = self.has_funds and self.year < year_of(day_of(at), self.begins)
        if is_over:
            copy.current, copy.prior = 0, self.current + self.prior
        for hold in self.holds.values():
            if hold["expires_at"] is not None and datetime.fromisoformat(hold["expires_at"]) <= at:
                continue
            current = 0 if is_over else hold["current_fen"]
            prior = hold["current_fen"] + hold["prior_fen"] - current
            copy.current, copy.prior = copy.current - current, copy.prior - prior
            on = date.fromisoformat(hold["on"])
            if current + prior:
                copy.lend(hold["binding"], on, current + prior)
            if hold["aid_fen"]:
                copy.received = copy.received.plus(on, hold["aid_fen"], self.begins)
        return copy

    def filed_for(self, region: str, on: date) -> list[str]:
        """The kinds of filings for care in a region that are valid on a day."""
        return [
            filing["kind"]
            for place, filing in self.filings.items()
            if region.startswith(place.removesuffix("00").removesuffix("00"))
            and filing["from_on"] <= f"{on}" <= (filing["until_on"] or "9999")
        ]

    def fold_money(self, name: str, event: JsonObject) -> None:
        """Fold what changes the balance."""
        if name in ("credited", "corrected"):
            is_current = event["bucket"] == "current"
            self.current += event["amount_fen"] if is_current else 0
            self.prior += 0 if is_current else event["amount_fen"]
        elif name == "moved-from-pool":
            self.prior += event["amount_fen"]
        elif name == "year-closed":
            self.year, self.prior = event["year"] + 1, self.prior + self.current
            self.current = 0
            for hold in self.holds.values():
                hold.update(current_fen=0, prior_fen=fen_of(hold))
        else:
            sign = 1 if name in ("debit-returned", "premium-returned") else -1
            self.current += sign * event["current_fen"]
            self.prior += sign * event["prior_fen"]
            if name == "moved-to-pool":
                month = event["on"][:7]
                self.transfers = month, self.transfers_in(month) + 1
            if name in ("debited", "debit-returned"):
                fen = -sign * fen_of(event)
                self.lend(event["binding"], date.fromisoformat(event["on"]), fen)

    def transfers_in(self, month: str) -> int:
        """How often the owner moved money into the pool in a month, written YYYY-MM."""
        return self.transfers[1] if self.transfers[0] == month else 0

    def fold_counted(self, name: str, event: JsonObject) -> None:
        """Fold what is counted, held or suspended beside the balance."""
        if name in ("aid-received", "aid-returned"):
            fen = event["amount_fen"] if name == "aid-received" else -event["amount_fen"]
            on = date.fromisoformat(event["on"])
            self.received = self.received.plus(on, fen, self.begins)
        elif name == "held":
            self.holds[event["hold"]] = dict(event)
        elif name == "hold-released":
            self.holds.pop(event["hold"], None)
        elif name == "year-moved":
            self.begins = event["begins"]
        elif name == "return-suspended":
            self.suspended[event["ticket"]] = event["amount_fen"]
            self.lend(event["binding"], date.fromisoformat(event["on"]), -event["amount_fen"])
        else:
            self.suspended.pop(event["ticket"], None)

    def fold_standing(self, name: str, event: JsonObject) -> None:
        """Fold whether an account may pay, in which order, and its bindings."""
        if name in ("frozen", "unfrozen"):
            self.is_frozen = name == "frozen"
        elif name == "closed":
            self.has_ended, self.successor = True, stream_of(event["successor"])
        elif name == "order-changed":
            self.order = list(event["bindings"])
        elif name == "sponsor-linked":
            self.links[event["binding"]] = event
            self.by_name = event.get("by_name") or self.by_name
        elif name == "sponsor-unlinked":
            self.links.pop(event["binding"], None)
        elif name in CHRONIC:
            self._fold_chronic(name, event)
        else:
            self._fold_use(name, event)

    def _fold_use(self, name: str, event: JsonObject) -> None:
        """Fold for whom a sponsor's debits are counted."""
        if name == "beneficiary-linked":
            self.used[event["binding"]] = NO_SUMS
        elif name == "beneficiary-unlinked":
            self.used.pop(event["binding"], None)
            self.quotas.pop(event["binding"], None)
        elif name == "code-shown":
            self.code = event
        elif name == "filing-made":
            self.filings[event["place"]] = event
        elif name in ("insurance-suspended", "insurance-resumed"):
            self.standing = event["standing"]
        elif name == "balance-opened":
            self.has_funds, self.year = True, event["year"]
        elif name == "quota-begun":
            self.quotas[event["binding"]] = 0

    def _fold_chronic(self, name: str, event: JsonObject) -> None:
        """Fold a filing of a chronic disease."""
        is_filed = name == "chronic-disease-filed"
        if is_filed or event.get("is_granted"):
            self.chronic[event["filing"]] = not is_filed
        else:
            self.chronic.pop(event["filing"], None)


@dataclass(slots=True)
class FoldedPool:
    """A family pool after its events: its owner, and its money as an account's current bucket."""

    owner: str
    fund: FoldedAccount

    def fold(self, name: str, event: JsonObject) -> None:
        """Fold an event after the first."""
        fund, binding = self.fund, event.get("binding")
        if binding is not None:
            fund.used.setdefault(binding, NO_SUMS)
        if name == "held":
            held = {"current_fen": event["amount_fen"], "prior_fen": 0, "aid_fen": 0}
            fund.holds[event["hold"]] = event | held
        elif name == "hold-released":
            fund.holds.pop(event["hold"], None)
        else:
            fen = event["amount_fen"] * (1 if name in POOL_GIVES else -1)
            fund.current += fen
            if name in ("debited", "returned"):
                fund.lend(binding, date.fromisoformat(event["on"]), -fen)


@dataclass(slots=True)
class FoldedGrant:
    """A grant (binding) after its events."""

    terms: JsonObject
    status: str = "invited"
    active_from: str | None = None
    last_on: str | None = None

    def pays(self, on: date) -> bool:
        """Whether it is in force for a bill of a day."""
        if self.active_from is None or on < date.fromisoformat(self.active_from):
            return False
        if self.last_on is not None and on <= date.fromisoformat(self.last_on):
            return True
        until, renews = self.terms["valid_until"], self.terms["renews_months"]
        is_over = until is not None and renews is None and on > date.fromisoformat(until)
        return self.status == "active" and not is_over

    def allows(self, use: str, sponsor: str, beneficiary: str) -> bool:
        """Whether it lets one pay for the other: for `care` or for `premium`."""
        sides = (self.terms["sponsor"], self.terms["beneficiary"])
        return sides == (sponsor, beneficiary) and use in self.terms["uses"]


@dataclass(slots=True)
class FoldedBill:
    """A settlement, hold or premium: the row that began it, and what remains of it, in fen.

    The row is kept as bytes, so that a log of millions fits: few are parsed again.
    """

    state: bytes
    status: str
    own: int = 0
    aid: int = 0
    cash: int = 0
    key: str = ""

    @property
    def decided(self) -> JsonObject:
        """The event that began it."""
        event: JsonObject = json.loads(self.state)["event"]
        return event


Stepping = TypeVar("Stepping", FoldedGrant, FoldedBill)


def day_of(at: datetime) -> date:
    """The Beijing day of a moment."""
    return at.astimezone(BEIJING).date()


def stream_of(name: str | None) -> str:
    """A stream as rows name it, from an id with its kind before it; "" for none."""
    return "" if name is None else name.rpartition("_")[2]


def fen_of(share: JsonObject) -> int:
    """What a payer pays or gets back, both buckets together; a pool has none."""
    if "amount_fen" in share:
        return int(share["amount_fen"])
    return int(share["current_fen"] + share["prior_fen"])


def fund_of(share: JsonObject) -> str:
    """The stream whose money a payer's is: the family pool's, or the account's."""
    return stream_of(share.get("from_pool") or share["account"])


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


MONEY = _names(
    "credited corrected debited debit-returned premium-debited premium-returned year-closed"
    " moved-to-pool moved-from-pool"
)
COUNTED = _names(
    "aid-received aid-returned held hold-released return-suspended suspense-paid-out year-moved"
)
CHRONIC = _names("chronic-disease-filed chronic-disease-reviewed chronic-filing-withdrawn")
STANDING = CHRONIC | _names(
    "frozen unfrozen insurance-suspended insurance-resumed closed order-changed filing-made"
    " flags-changed"
    " invitation-received sponsor-linked sponsor-unlinked beneficiary-linked beneficiary-unlinked"
    " credential-added credential-withdrawn"
    " quota-begun balance-opened code-shown"
)
POOL_GIVES = _names("funded returned premium-returned")
POOL = POOL_GIVES | _names("debited premium-debited emptied held hold-released")
NEVER = ("", "")
GRANT_STEPS = {
    "document-reviewed": ("in-review", ""),
    "confirmed": ("invited", "active"),
    "invitation-declined": ("invited", "declined"),
    "grant-changed": ("active", "active"),
    "released": ("in-review invited active", ""),
}
"""By event name: the statuses it may follow, and the next one ("": it stays, or events say)."""
BILL_STEPS = {
    "part-refunded": ("settled part-refunded", "part-refunded"),
    "cancelled": ("settled part-refunded", "cancelled"),
    "reversed": ("settled part-refunded", "reversed"),
    "recovery-due": ("settled part-refunded cancelled reversed", ""),
}
HOLD_STEPS = {"captured": ("held", "captured"), "ended": ("held", "ended")}
PREMIUM_STEPS = {
    "sent-to-tax": ("held", "sent"),
    "outcome-unknown": ("sent requested", ""),
    "confirmed": ("sent", "confirmed"),
    "rejected": ("held sent", "rejected"),
    "reversal-requested": ("confirmed", "requested"),
    "reversal-refused": ("requested", "confirmed"),
    "reversed": ("requested", "reversed"),
}
EVENT_NAMES: dict[str, Iterable[str]] = {
    "account": {"opened", "family-pool-opened"} | MONEY | COUNTED | STANDING,
    "binding": {"invitation-sent", "stranger-invited", *GRANT_STEPS},
    "settlement": {"settled", "refused", *BILL_STEPS},
    "hold": {"placed", *HOLD_STEPS},
    "premium": {"held", *PREMIUM_STEPS},
    "institution": _names("designated cleared clearing-requested clearing-withdrawn"),
    "correction": _names("proposed approved rejected"),
    "kinship": _names("recorded ended confirmed"),
    "link": _names("opened requested confirmed reviewed activated code-shown closed"),
    "policy": {"edition-published"},
    "ledger": {"fork-accepted"},
    "pool": {"opened"} | POOL,
}
TOPICS = {f"{kind}.{name}/1" for kind, names in EVENT_NAMES.items() for name in names}
"""What this verifier understands; of all other rows it checks tree and contiguity alone."""


@dataclass(slots=True)
class FoldedLedger:
    """Everything that folds from the rows, by stream; editions by region and name."""

    faults: Faults
    accounts: dict[str, FoldedAccount] = field(default_factory=dict)
    grants: dict[str, FoldedGrant] = field(default_factory=dict)
    bills: dict[str, FoldedBill] = field(default_factory=dict)
    holds: dict[str, FoldedBill] = field(default_factory=dict)
    premiums: dict[str, FoldedBill] = field(default_factory=dict)
    editions: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    institutions: dict[str, JsonObject] = field(default_factory=dict)
    corrections: dict[str, JsonObject] = field(default_factory=dict)
    pools: dict[str, FoldedPool] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    """The position at which each key was used."""
    reversed_keys: dict[str, int] = field(default_factory=dict)
    """The position at which an unused key was reversed: no later command may use it."""
    unknown_streams: set[str] = field(default_factory=set)
    """Streams with an event of a topic that this verifier does not know."""

    def edition(self, region: str, on: date) -> JsonObject | None:
        """The rules of a region in force on a day, as published so far."""
        begun = [e for e in self.editions.get(region, {}).values() if e["effective_on"] <= f"{on}"]
        newest = max(begun, key=lambda e: str(e["effective_on"]), default=None)
        until = newest["effective_until"] if newest else None
        return None if until is not None and f"{on}" >= until else newest

    def fault(self, check: str, row: ExportRow, what: str) -> None:
        """Add a fault at a row."""
        self.faults.add(check, row.position, what)

    def fold(self, row: ExportRow) -> None:
        """Fold a row, and check that it may follow the rows before it."""
        kind, _, name = row.topic.removesuffix("/1").partition(".")
        if row.topic not in TOPICS:
            self.faults.unknown[row.topic] += 1
            self.unknown_streams.add(row.stream)
            if row.stream in self.accounts:
                self.accounts[row.stream].is_known = False
        elif kind == "account" or (kind in FOLDS and row.stream not in self.unknown_streams):
            FOLDS[kind](self, row, name)

    def fold_account(self, row: ExportRow, name: str) -> None:
        """Fold an account's event."""
        account, event = self.accounts.get(row.stream), row.event
        if name == "opened":
            if account is not None:
                self.fault("life cycles", row, f"account {row.stream} is opened twice")
            self.accounts[row.stream] = self._opened(row)
            return
        if account is None:
            self.fault("life cycles", row, f"account {row.stream} was never opened")
            return
        self._check_account_event(row, name, account)
        if name in MONEY:
            account.fold_money(name, event)
        elif name in COUNTED:
            account.fold_counted(name, event)
        elif name == "family-pool-opened":
            account.pool = stream_of(event["pool"])
        else:
            account.fold_standing(name, event)
        lowest = min(account.current, account.prior)
        if account.is_known and lowest < 0:
            self.fault("no negative", row, f"account {row.stream} is at {lowest} fen")

    def _opened(self, row: ExportRow) -> FoldedAccount:
        """An account as it is opened, with the day of the year that its region's rules say."""
        event = row.event
        region, on = event["region"], date.fromisoformat(event["on"])
        begins = event.get("insurance_year_from", NEW_YEAR)
        days = self.year_days(region, on)
        if begins != (days[-1][1] if days else NEW_YEAR):
            self.fault("policies", row, f"its region begins no insurance year on {begins}")
        account = FoldedAccount(region, event["insurance"] == "employee", year_of(on, begins))
        account.standing, account.begins = event["standing"], begins
        return account

    def year_days(self, region: str, on: date) -> list[tuple[str, str]]:
        """A region's editions begun by a day: since when, and the day its years begin on."""
        return sorted(
            (e["effective_on"], e["money"].get("insurance_year_from", NEW_YEAR))
            for e in self.editions.get(region, {}).values()
            if e["effective_on"] <= f"{on}"
        )

    def turns(self, account: FoldedAccount, on: date) -> list[tuple[str, object]]:
        """What turns an account's year on a day, in order: event names with a year or a day."""
        begins, year = account.begins, account.year
        days = self.year_days(account.region, on)
        own = max((at for at, day in enumerate(days) if day[1] == begins), default=-1)
        turns: list[tuple[str, object]] = []
        for since, day in [*days[own + 1 :], (f"{on + timedelta(days=1)}", "")]:
            if day == begins:
                continue
            last = year_of(date.fromisoformat(since) - timedelta(days=1), begins)
            if account.has_funds and year < last:
                year = last
                turns.append(("year-closed", year - 1))
            if day:
                begins = day
                turns.append(("year-moved", begins))
        return turns

    def _check_turn(self, row: ExportRow, name: str, account: FoldedAccount) -> None:
        """A year is closed when it is over by the region's rules, before anything else."""
        on = day_of(EPOCH + timedelta(microseconds=row.recorded_at))
        turns = self.turns(account, on)
        if name == "year-closed" and (name, row.event["year"]) not in turns[:1]:
            why = "which its region's rules do not end on this day"
            self.fault("policies", row, f"it closes the year {row.event['year']}, {why}")
        elif name == "year-moved" and (name, row.event["begins"]) not in turns[:1]:
            why = "which its region's rules do not say"
            self.fault("policies", row, f"its year begins on {row.event['begins']}, {why}")
        elif not name.startswith("year-") and any(turn == "year-closed" for turn, _ in turns):
            self.fault("policies", row, "its year was over and was not closed")

    def _check_opened_balance(self, row: ExportRow, account: FoldedAccount) -> None:
        """A resident's account holds money where the rules say so, from this insurance year on."""
        on = day_of(EPOCH + timedelta(microseconds=row.recorded_at))
        rules = self.edition(account.region, on)
        if account.has_funds or not rules or not rules["money"].get("resident_balance"):
            self.fault("policies", row, "its region gives this account no money")
        if row.event["year"] != year_of(on, account.begins):
            self.fault("policies", row, f"{row.event['year']} is not its insurance year")

    def _check_chronic(self, row: ExportRow, name: str, account: FoldedAccount) -> None:
        """A filing comes once, is granted once, and is taken back before that alone."""
        granted = account.chronic.get(row.event["filing"])
        if name == "chronic-disease-filed":
            follows = granted is None
        elif name == "chronic-disease-reviewed":
            follows = granted is not None and not (granted and row.event["is_granted"])
        else:
            follows = granted is False
        if not follows:
            self.fault("life cycles", row, f"{row.topic} cannot follow")

    def _check_account_event(self, row: ExportRow, name: str, account: FoldedAccount) -> None:
        event, suspended = row.event, account.suspended
        if account.is_known:
            self._check_turn(row, name, account)
        if name == "balance-opened":
            self._check_opened_balance(row, account)
        if name in CHRONIC:
            self._check_chronic(row, name, account)
        if name == "credited" and account.is_known and not account.has_funds:
            self.fault("life cycles", row, "a credit to an account that holds no money")
        if name == "year-closed" and account.is_known and event["carried_fen"] != account.current:
            self.fault("double entry", row, "the year carried over another sum than it had")
        if name == "suspense-paid-out" and suspended.get(event["ticket"]) != event["amount_fen"]:
            self.fault("double entry", row, "paid out another sum than was suspended")
        if name == "credited" and (account.has_ended or event["amount_fen"] <= 0):
            self.fault("life cycles", row, "a credit of nothing, or to a closed account")

    def _stepped(
        self, row: ExportRow, item: Stepping | None, step: tuple[str, str]
    ) -> Stepping | None:
        """A bill or a grant at its next status; None where the row may not follow."""
        before, after = step
        if item is None or item.status not in before.split():
            why = f"cannot follow {item.status}" if item else "cannot come first"
            self.fault("life cycles", row, f"{row.topic} {why}")
            return None
        item.status = after or item.status
        return item

    def fold_grant(self, row: ExportRow, name: str) -> None:
        """Fold a binding's event."""
        if name in ("invitation-sent", "stranger-invited"):
            if row.version > 1:
                self.fault("life cycles", row, f"binding {row.stream} begins twice")
            status = "in-review" if row.event.get("review_until") else "invited"
            self.grants[row.stream] = FoldedGrant(dict(row.event), status)
            return
        grant = self._stepped(row, self.grants.get(row.stream), GRANT_STEPS[name])
        if grant is None:
            return
        if name == "document-reviewed":
            self._review(row, grant)
        elif name == "confirmed":
            grant.active_from = row.event["active_from"]
        elif name == "grant-changed":
            grant.terms.update(row.event)
        elif name == "released":
            grant.status, grant.last_on = row.event["status"], row.event["last_on"]

    def _review(self, row: ExportRow, grant: FoldedGrant) -> None:
        """Fold the review of a document, which lapses after its last day."""
        grant.status = "invited" if row.event["is_approved"] else "declined"
        reviewed_on = day_of(datetime.fromisoformat(row.event["reviewed_at"]))
        if f"{reviewed_on}" > grant.terms["review_until"]:
            self.fault("life cycles", row, "a review after its last day")

    def fold_edition(self, row: ExportRow, _: str) -> None:
        """Fold a published edition; publishing its name again with other content is a fault."""
        event, content = row.event, json.loads(row.event["content"])
        published, name = self.editions.setdefault(event["region"], {}), event["edition"]
        if published.get(name, content) != content:
            self.fault("policies", row, f"edition {name} was edited")
        if (content["id"], content["region"]) != (name, event["region"]):
            self.fault("policies", row, f"edition {name} names another")
        published[name] = content

    def fold_bill(self, row: ExportRow, name: str) -> None:
        """Fold a settlement's or a hold's event."""
        is_hold, event = row.topic.startswith("hold."), row.event
        bills, steps = (self.holds, HOLD_STEPS) if is_hold else (self.bills, BILL_STEPS)
        if row.version == 1 and name in ("settled", "placed", "refused", "reversed"):
            sums = (event.get("own_fen", 0), event.get("aid_fen", 0), event.get("cash_fen", 0))
            status = "held" if name == "placed" else name
            bills[row.stream] = FoldedBill(row.state, status, *sums, row.key)
            return
        bill = self._stepped(row, bills.get(row.stream), steps.get(name, NEVER))
        if bill is None:
            return
        if name == "part-refunded":
            bill.own -= event["own_fen"]
            bill.aid -= event["aid_fen"]
            bill.cash -= event["cash_fen"]
            back = event["own_fen"] + event["aid_fen"] + event["cash_fen"]
            if min(bill.own, bill.aid, bill.cash) < 0 or back != event["amount_fen"]:
                self.fault("double entry", row, "it returns more than remains")
        elif name in ("cancelled", "reversed"):
            bill.own = bill.aid = bill.cash = 0

    def fold_premium(self, row: ExportRow, name: str) -> None:
        """Fold a premium's event, and check that it was granted."""
        event = row.event
        if name == "held" and row.version == 1:
            self.premiums[row.stream] = FoldedBill(row.state, "held")
            grant = self.grants.get(stream_of(event["binding"]))
            if grant is None or not grant.allows("premium", event["sponsor"], event["payee"]):
                self.fault("authority", row, "a premium that no grant allows")
            elif not grant.pays(date.fromisoformat(event["on"])):
                self.fault("authority", row, f"{event['binding']} is not in force")
            self._check_standard(row)
            return
        premium = self.premiums.get(row.stream)
        premium = self._stepped(row, premium, PREMIUM_STEPS.get(name, NEVER))
        if premium is not None and name == "confirmed":
            premium.own = fen_of(event)
            if premium.own + event["uncovered_fen"] != premium.decided["amount_fen"]:
                self.fault("double entry", row, "it took another sum than was held")

    def fold_pool(self, row: ExportRow, name: str) -> None:
        """Fold a family pool's event."""
        pool, event = self.pools.get(row.stream), row.event
        if (name == "opened") != (pool is None):
            why = "is opened twice" if pool else "was never opened"
            self.fault("life cycles", row, f"pool {row.stream} {why}")
            return
        if pool is None:
            owner = stream_of(event["owner"])
            self.pools[row.stream] = FoldedPool(owner, FoldedAccount("", has_funds=False, year=0))
            return
        pool.fold(name, event)
        if pool.fund.current < 0:
            self.fault("no negative", row, f"pool {row.stream} is at {pool.fund.current} fen")

    def _check_standard(self, row: ExportRow) -> None:
        """A premium costs what the sponsor's rules say for its type and tier, at some age."""
        event = row.event
        sponsor = self.accounts.get(stream_of(event["sponsor"]))
        on = date.fromisoformat(event["on"])
        rules = self.edition(sponsor.region, on) if sponsor is not None else None
        if rules is None:
            return
        terms, kind, tier = rules["premium"], event["insurance"], event.get("tier")
        rows = terms.get("premium_tiers", ())
        amounts = [r["fen"] for r in rows if (r["type"], r.get("tier")) == (kind, tier)]
        if tier is None:
            amounts.append(terms["premium_standard_fen"].get(kind))
        if event["amount_fen"] not in amounts:
            self.fault("policies", row, f"{event['amount_fen']} fen is no premium of {kind}")

    def fold_institution(self, row: ExportRow, name: str) -> None:
        """Fold an institution's event: the newest agreement counts."""
        if name == "designated":
            self.institutions[row.stream] = row.event

    def fold_correction(self, row: ExportRow, name: str) -> None:
        """Fold a correction's event: only the proposal is needed later."""
        if name == "proposed":
            self.corrections[row.stream] = row.event


FOLDS: dict[str, Callable[[FoldedLedger, ExportRow, str], None]] = {
    "account": FoldedLedger.fold_account,
    "binding": FoldedLedger.fold_grant,
    "policy": FoldedLedger.fold_edition,
    "settlement": FoldedLedger.fold_bill,
    "hold": FoldedLedger.fold_bill,
    "institution": FoldedLedger.fold_institution,
    "correction": FoldedLedger.fold_correction,
    "premium": FoldedLedger.fold_premium,
    "pool": FoldedLedger.fold_pool,
}


# ---------------------------------------------------------------- checking commands

DECISIONS = ("settlement.settled/1", "hold.placed/1")
RETURNS = ("settlement.part-refunded/1", "settlement.cancelled/1", "settlement.reversed/1")
MOVES = {
    "account.debited/1": "debit",
    "account.held/1": "hold",
    "account.premium-debited/1": "premium",
    "account.premium-returned/1": "back",
    "account.debit-returned/1": "back",
    "account.return-suspended/1": "back",
    "account.aid-received/1": "aid",
    "account.aid-returned/1": "aid back",
    "pool.debited/1": "debit",
    "pool.held/1": "hold",
    "pool.premium-debited/1": "premium",
    "pool.premium-returned/1": "back",
    "pool.returned/1": "back",
}
"""By topic of an account's or pool's event: the kind of movement, as `stated_moves` names it."""
MovementKey = tuple[str, ...]
"""A kind of movement and its streams: the bill, then the account and the binding where counted."""


def check_command(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """Check the rows of one command against the ledger before it, then fold them.

    Rows of other bills are folded before its decisions are checked: what the same command
    released was available to them.
    """
    check_key(ledger, rows)
    check_moves(ledger, rows)
    check_corrections(ledger, rows)
    check_transfers(ledger, rows)
    check_pool_rules(ledger, rows)
    decisions = rows_of(rows, *DECISIONS)
    decided = {row.stream for row in decisions}
    later: list[ExportRow] = []
    for row in rows:
        if row.stream in decided or bill_of(row) in decided:
            later.append(row)
        else:
            ledger.fold(row)
    for row in decisions:
        check_read(ledger, rows[0], row)
        DecisionCheck(ledger, row).check()
    for row in later:
        ledger.fold(row)
    for row in rows:
        ledger.versions[row.stream] = row.version


def rows_of(rows: list[ExportRow], *topics: str) -> list[ExportRow]:
    """The rows of some topics."""
    return [row for row in rows if row.topic in topics]


def check_key(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """A key is used once, and never after its reversal."""
    first, key = rows[0], rows[0].key
    if not key:
        return
    if key in ledger.keys:
        ledger.fault("keys", first, f"its key was used at position {ledger.keys[key]}")
    if key in ledger.reversed_keys:
        where = ledger.reversed_keys[key]
        ledger.fault("keys", first, f"its command was reversed at position {where}")
    ledger.keys.setdefault(key, first.position)
    for row in rows_of(rows, "settlement.reversed/1"):
        undone, bill = row.event["undone"], ledger.bills.get(row.stream)
        if bill is None and undone in ledger.keys:
            ledger.fault("keys", row, "it reverses as unused a key that was used")
        if bill is None:
            ledger.reversed_keys[undone] = row.position
        elif bill.key != undone:
            ledger.fault("keys", row, "it reverses another command than it names")


def check_read(ledger: FoldedLedger, first: ExportRow, row: ExportRow) -> None:
    """A decision read every stream at its current version."""
    for name, version in row.event["read"].items():
        current = ledger.versions.get(stream_of(name), 0)
        if current != version:
            what = f"it was decided on version {version} of {name}, which was at {current}"
            ledger.fault("life cycles", first, what)


FAMILY_POOL = "FAMILY_POOL"
NO_RESERVE = {"reserve_fen": 0, "sponsor_buckets": "ALL"}
"""What a region's rules on accounts mean for a pool: nothing."""


def money_terms_of(rules: JsonObject) -> JsonObject:
    """The terms on a sponsor's money: those on accounts mean nothing for a family pool."""
    terms: JsonObject = rules["money"]
    return terms | NO_RESERVE if rules["money_model"] == FAMILY_POOL else terms


class DecisionCheck:
    """Checks a bill that was settled or held: sums, order, caps, grants and rules.

    The accounts that methods get as `spent` are `as_spent` at the moment of the decision.
    """

    def __init__(self, ledger: FoldedLedger, row: ExportRow) -> None:
        self.ledger, self.row, self.event = ledger, row, row.event
        self.claim: JsonObject = row.event["claim"]

    def fault(self, check: str, what: str) -> None:
        """Add a fault of this decision."""
        self.ledger.fault(check, self.row, what)

    @cached_property
    def at(self) -> datetime:
        """When it was decided."""
        return datetime.fromisoformat(self.event.get("settled_at") or self.event["held_at"])

    @cached_property
    def day(self) -> date:
        """The Beijing day on which it was decided."""
        return day_of(self.at)

    def check(self) -> None:
        """Run every check that applies."""
        self._check_sums()
        captured = self.event.get("hold")
        if captured is not None:
            self._check_capture(self.ledger.holds.get(stream_of(captured)))
            return
        self._check_institution()
        patient = self.ledger.accounts.get(stream_of(self.claim["beneficiary"]))
        if patient is None:
            self.fault("life cycles", "a bill of an account that is not there")
            return
        rules = self._check_rules(patient)
        if rules is None:
            return
        own, *sponsors = self.event["payers"]
        spent = patient.as_spent(self.at)
        self._check_own(spent, own)
        self._check_fund(rules)
        self._check_lines(rules, spent)
        self._check_order(patient)
        for share in sponsors:
            self._check_sponsor(share)
        self._check_beneficiary_cap(spent)

    def _check_sums(self) -> None:
        """Payers and cash add up to the personal part, and nobody pays less than nothing."""
        event, claim = self.event, self.claim
        own, *sponsors = payers = event["payers"]
        paid = [fen_of(own), sum(map(fen_of, sponsors)), event["cash_fen"]]
        parts = [share[bucket] for share in payers for bucket in ("current_fen", "prior_fen")]
        personal = claim["total_fen"] - claim["fund_pay_fen"]
        if min([*parts, *paid, claim["fund_pay_fen"]]) < 0 or sum(paid) != personal:
            what = f"own {paid[0]}, aid {paid[1]} and cash {paid[2]} fen are not {personal}"
            self.fault("double entry", what)
        if paid[:2] != [event["own_fen"], event["aid_fen"]]:
            self.fault("double entry", "its sums are not those of its payers")
        if event["aid_fen"] and not claim.get("use_aid", True):
            self.fault("authority", "aid paid although the patient wanted none")
        lines = claim["lines"]
        if lines is not None and sum(line["amount_fen"] for line in lines) != personal:
            self.fault("double entry", "its lines are not its personal part")

    def _check_capture(self, hold: FoldedBill | None) -> None:
        """A captured bill takes from nobody more than was held."""
        if hold is None or hold.status != "held":
            self.fault("life cycles", "it captures a hold that is not in force")
            return
        held = Counter({fund_of(share): fen_of(share) for share in hold.decided["payers"]})
        for share in self.event["payers"]:
            if fen_of(share) > held[fund_of(share)]:
                self.fault("authority", f"{share['account']} paid more than was held")

    def _check_institution(self) -> None:
        """A bill comes from an institution under agreement, in its region."""
        institution = self.ledger.institutions.get(stream_of(self.claim["institution"]))
        if institution is None or institution["status"] != "active":
            self.fault("authority", "a bill of an institution without agreement")
        elif institution["region"] != self.event["place_region"]:
            self.fault("policies", "it names another region than its institution's")

    def _check_rules(self, patient: FoldedAccount) -> JsonObject | None:
        """The editions that it names are those in force; the patient's edition."""
        ledger, editions = self.ledger, self.event["editions"]
        rules = ledger.edition(patient.region, self.day)
        if rules is None or editions["beneficiary"] != rules["id"]:
            self.fault("policies", "it names other rules than those in force")
        elif rules["binding"].get("credential_required") == "ANY" and not self.claim.get(
            "proven_by"
        ):
            self.fault("authority", "the rules require a credential, and none was shown")
        for binding, edition in editions.items():
            grant = ledger.grants.get(stream_of(binding))
            sponsor = ledger.accounts.get(stream_of(grant.terms["sponsor"])) if grant else None
            in_force = ledger.edition(sponsor.region, self.day) if sponsor else None
            if binding != "beneficiary" and (in_force is None or in_force["id"] != edition):
                self.fault("policies", f"{binding}: not the rules in force")
        return rules

    def _check_own(self, spent: FoldedAccount, own: JsonObject) -> None:
        """Own money pays first, and is spent before any aid."""
        if own["binding"] is not None or own["account"] not in (None, self.claim["beneficiary"]):
            self.fault("order", "the first payer is not the patient")
        rules = self.ledger.edition(spent.region, date.fromisoformat(self.event["on"]))
        if rules is None or not spent.is_known:
            return
        buckets = rules["money"]["own_buckets_order"]
        available = {"CURRENT_ONLY": spent.current, "PRIOR_ONLY": spent.prior}.get(
            buckets, spent.current + spent.prior
        )
        is_closed = spent.is_frozen or spent.has_ended or not spent.has_funds
        if is_closed or self._closes_own(rules["place"].get("own_place_scope"), spent):
            available = 0
        stated = own["available_fen"]
        if stated != available:
            self.fault("order", f"own money is stated as {stated} fen and was {available}")
        may_pay = self.claim["use_account"] and not rules["items"].get("bucket_rules")
        if self.event["aid_fen"] and may_pay and fen_of(own) < available:
            self.fault("order", "aid paid before own money was spent")

    def _closes_own(self, table: list[JsonObject] | None, spent: FoldedAccount) -> bool:
        """Whether the patient's own money may not be used at the place of care."""
        institution = self.ledger.institutions.get(stream_of(self.claim["institution"]))
        if not table or institution is None:
            return False
        kind, where, home = institution["kind"], institution["region"], spent.region
        fits = {"*": True, "same_region": where == home, "same_province": where[:2] == home[:2]}
        for rule in table:
            is_here = fits.get(rule["place"], rule["place"] == where)
            if is_here and rule["class"] in ("*", kind):
                break
        else:
            return True
        kinds = spent.filed_for(where, self.day)
        classes = set(rule["person_classes"])
        is_of_class = not classes or not classes.isdisjoint({spent.standing, *kinds})
        is_listed = institution["code"] in rule["institutions"] and is_of_class
        is_open = is_listed if rule["use"] == "WHITELIST" else rule["use"] == "ON"
        return not is_open or (rule["filing"] and not kinds)

    def _check_fund(self, rules: JsonObject) -> None:
        """Where the region says so, no aid pays on a bill that the pooled fund pays into."""
        is_closed = self.claim["fund_pay_fen"] and not rules["items"].get("aid_with_fund_pay", True)
        if self.event["aid_fen"] and is_closed:
            self.fault("policies", "aid paid on a bill that the fund pays into")

    def _check_lines(self, rules: JsonObject, spent: FoldedAccount) -> None:
        """Nobody pays a line that his money may not; by rules of buckets, each all that it may."""
        left = payable_left(self.claim, rules["items"])
        by_bucket = bool(rules["items"].get("bucket_rules"))
        paying = [share for share in self.event["payers"] if fen_of(share)]
        for share in paying:
            kinds = AID_KINDS if share["binding"] else OWN_KINDS
            account = self.ledger.accounts.get(stream_of(share["account"]))
            if by_bucket and account is not None and account.is_known and share is not paying[-1]:
                terms = self.ledger.edition(account.region, self.day) or rules
                may = self._may_pay(share, left, account, terms)
                limits = [may, share["available_fen"], share["limit_fen"]]
                if fen_of(share) != min(fen for fen in limits if fen is not None):
                    self.fault("order", f"{share['account']} could pay more than it did")
            take_kind(left, kinds[0], share["current_fen"])
            take_kind(left, kinds[1], share["prior_fen"])
            if min(left) < 0:
                self.fault("policies", f"{share['account']} paid what its money may not pay")
                return
        if by_bucket and self.event["aid_fen"] and self.claim["use_account"]:
            own = self.event["payers"][0]
            before = payable_left(self.claim, rules["items"])
            may = paid_within(before, OWN_KINDS, rules["money"]["own_buckets_order"], spent)
            if fen_of(own) < min(may, own["available_fen"]):
                self.fault("order", "aid paid before own money was spent")

    def _may_pay(
        self, share: JsonObject, left: list[int], account: FoldedAccount, rules: JsonObject
    ) -> int:
        """What the buckets of a payer's money, its family pool's where that pays, may pay."""
        if share["binding"]:
            order = money_terms_of(rules)["sponsor_buckets"]
            return paid_within(left, AID_KINDS, order, self._payer(account, rules))
        order = rules["money"]["own_buckets_order"]
        return paid_within(left, OWN_KINDS, order, account.as_spent(self.at))

    def _check_order(self, patient: FoldedAccount) -> None:
        """Sponsors pay in their order, each all that is available, and none is left out."""
        sponsors = self.event["payers"][1:]
        considered = [share["binding"] for share in sponsors]
        for binding in patient.links:
            if binding not in considered:
                self.fault("order", f"sponsor {binding} was not considered")
        paying = [share for share in sponsors if fen_of(share)]
        rules = self.ledger.edition(patient.region, self.day)
        by_bucket = rules is not None and bool(rules["items"].get("bucket_rules"))
        for share in paying[: 0 if by_bucket else -1]:
            available, limit = share["available_fen"], share["limit_fen"]
            if fen_of(share) != (available if limit is None else min(available, limit)):
                self.fault("order", f"{share['binding']} could pay more than it did")
        silent = [share for share in sponsors if not fen_of(share) and share["reason"] is None]
        if silent or any(fen_of(share) and share["reason"] for share in sponsors):
            self.fault("order", "a payer's reason does not fit its amount")
        ranks = [self._rank_of(patient, share["binding"]) for share in paying]
        if None not in ranks and ranks != sorted(ranks, key=lambda rank: rank or ()):
            self.fault("order", "sponsors did not pay in the order that was set")

    def _rank_of(
        self, patient: FoldedAccount, binding: str
    ) -> tuple[int | float | str, ...] | None:
        """What sorts a sponsor into the order; None without such a sponsor, or without rules."""
        link, rules = patient.links.get(binding), self.ledger.edition(patient.region, self.day)
        if link is None or rules is None:
            return None
        terms, strategy = rules["order"], rules["order"]["order_strategy"]
        linked = datetime.fromisoformat(link["linked_at"]).timestamp()
        if strategy in ("BENEFICIARY_SET", "SPONSOR_SET"):
            if patient.order is not None:
                is_ranked = binding in patient.order
                rank = patient.order.index(binding) if is_ranked else len(patient.order)
                return (rank, linked, binding)
            strategy = terms["order_fallback"]
        sponsor = self.ledger.accounts.get(stream_of(link["sponsor"]))
        first: tuple[int | float | str, ...] = ()
        tie: tuple[int | str, ...] = (binding,)
        if terms.get("tie_break") == "NAME_PINYIN":
            names = patient.by_name
            tie = (names.index(binding) if binding in names else len(names), binding)
        if strategy == "SAME_REGION_FIRST":
            first = (sponsor is None or sponsor.region != patient.region,)
            strategy = terms["order_then"]
        if strategy == "BALANCE_DESC" and sponsor is not None:
            theirs = self.ledger.edition(sponsor.region, self.day)
            spent = self._payer(sponsor, theirs or rules)
            return (*first, -(spent.current + spent.prior), *tie)
        return (*first, -linked if strategy == "BIND_TIME_DESC" else linked, *tie)

    def _check_sponsor(self, share: JsonObject) -> None:
        """A sponsor who paid had granted it, had the money, and stayed below every cap."""
        grant = self.ledger.grants.get(stream_of(share["binding"]))
        sponsor = self.ledger.accounts.get(stream_of(share["account"]))
        if grant is None or sponsor is None:
            self.fault("authority", f"{share['binding']} was never granted")
            return
        if fen_of(share):
            self._check_grant(share, grant)
            if sponsor.is_frozen or sponsor.has_ended:
                self.fault("authority", f"{share['account']} may not pay")
        rules = self.ledger.edition(sponsor.region, self.day)
        if rules is not None and sponsor.is_known:
            self._check_money(share, grant, sponsor, rules)

    def _check_money(
        self, share: JsonObject, grant: FoldedGrant, sponsor: FoldedAccount, rules: JsonObject
    ) -> None:
        """A share is of the money that the sponsor's rules open, for this care, within the caps."""
        is_pooled = rules["money_model"] == FAMILY_POOL
        pool = stream_of(share.get("from_pool"))
        if pool != (sponsor.pool if is_pooled else ""):
            self.fault("authority", f"{share['account']} paid from other money than its rules open")
        if fen_of(share) and not is_open_for(self.claim, rules["place"]):
            self.fault("policies", f"{share['binding']} paid for care that is closed to aid")
        if fen_of(share) and rules["order"].get("authoriser_code") and not self._opens(sponsor):
            self.fault("authority", f"{share['account']} paid without its owner's code")
        if share["available_fen"]:
            spent = self._payer(sponsor, rules)
            money = money_terms_of(rules)
            self._check_purse(share, spent, money)
            limits = limits_of(grant, share["binding"], spent, money, self.day)
            self._check_limit(share, min(limits, default=None))
        elif fen_of(share):
            self.fault("order", f"{share['account']} paid without any money")

    def _payer(self, sponsor: FoldedAccount, rules: JsonObject) -> FoldedAccount:
        """The money that pays by a sponsor's rules: the account's, or that of the family pool.

        It is `as_spent`, and caps count what both of them paid.
        """
        spent, pool = sponsor.as_spent(self.at), self.ledger.pools.get(sponsor.pool)
        is_pooled = rules["money_model"] == FAMILY_POOL
        if pool is None:
            return replace(spent, current=0, prior=0) if is_pooled else spent
        fund = pool.fund.as_spent(self.at)
        money = fund if is_pooled else spent
        used = {
            binding: sums.and_also(fund.used.get(binding, NO_SUMS), sponsor.begins)
            for binding, sums in spent.used.items()
        }
        lent = spent.lent.and_also(fund.lent, sponsor.begins)
        return replace(money, lent=lent, used=used)

    def _opens(self, sponsor: FoldedAccount) -> bool:
        """Whether the bill carries the newest code of a sponsor, and in time."""
        shown = sponsor.code
        if shown is None or shown["code"] != self.claim.get("authoriser_code"):
            return False
        return self.at < datetime.fromisoformat(shown["expires_at"])

    def _check_grant(self, share: JsonObject, grant: FoldedGrant) -> None:
        """The grant is in force on that day, between these two, and for care."""
        if not grant.allows("care", share["account"], self.claim["beneficiary"]):
            self.fault("authority", f"{share['binding']} grants something else")
        if not grant.pays(self.day):
            self.fault("authority", f"{share['binding']} is not in force")

    def _check_purse(self, share: JsonObject, spent: FoldedAccount, money: JsonObject) -> None:
        """The money a sponsor is stated to have is what its buckets held above the reserve."""
        stated, total = share["available_fen"], spent.current + spent.prior
        in_buckets = spent.prior if money["sponsor_buckets"] == "PRIOR_ONLY" else total
        available = max(0, min(in_buckets, total - money["reserve_fen"]))
        if stated != available or fen_of(share) > available:
            what = f"{share['account']} is stated to have {stated} fen and had {available}"
            self.fault("order", what)

    def _check_limit(self, share: JsonObject, lowest: int | None) -> None:
        """A sponsor paid no more than the lowest cap left, and that cap is stated."""
        binding, stated = share["binding"], share["limit_fen"]
        if lowest is not None and fen_of(share) > lowest:
            self.fault("caps", f"{binding} paid more than {lowest} fen")
        if stated != lowest:
            self.fault("caps", f"{binding}: the cap is stated as {stated} fen and was {lowest}")

    def _check_beneficiary_cap(self, spent: FoldedAccount) -> None:
        """All sponsors together stay below the region's cap per patient."""
        rules = self.ledger.edition(spent.region, self.day)
        money = rules["money"] if rules else {"cap_scope": ""}
        if money["cap_scope"] != "PER_BENEFICIARY" or money["cap_set_by"] == "SPONSOR":
            return
        at = self.day, year_from(money)
        lowest = min(left_of(money, "cap_", spent.received, at), default=None)
        aid = self.event["aid_fen"]
        if lowest is not None and aid > lowest:
            self.fault("caps", f"aid of {aid} fen exceeds {lowest}")


OWN_KINDS, AID_KINDS = (1, 2), (4, 8)
"""The bits of this year's money and of earlier years', own and a sponsor's."""


def payable_left(claim: JsonObject, items: JsonObject) -> list[int]:
    """By set of kinds of money: the fen of the lines that at least one of the kinds may pay."""
    personal = claim["total_fen"] - claim["fund_pay_fen"]
    lines = claim["lines"]
    if lines is None:
        lines = [{"category": None, "part": "in_scope", "amount_fen": personal}]
    sums = [0] * 16
    for line in lines:
        sums[kinds_of(line, claim["med_type"], items)] += line["amount_fen"]
    return [sum(fen for mask, fen in enumerate(sums) if mask & kinds) for kinds in range(16)]


def kinds_of(line: JsonObject, med_type: str, items: JsonObject) -> int:
    """The kinds of money that may pay a line, by the rules of items and of buckets."""
    category, kinds = line["category"], 0
    by_item = {items["item_part_rule"].get(line["part"], "NONE")} if category else set()
    by_item |= {items["item_category_rule"].get(category, "NONE")} if category else set()
    for whose, bits in (("OWN", OWN_KINDS), ("AID", AID_KINDS)):
        for bucket, bit in zip(("current", "prior"), bits, strict=True):
            rules = [
                rule
                for rule in items.get("bucket_rules", ())
                if (rule["whose"], rule["bucket"]) == (whose, bucket)
            ]
            may = "NONE" not in by_item and (whose == "OWN" or "OWN" not in by_item)
            if rules:
                may = any(admits(rule, line, med_type) for rule in rules)
            kinds |= bit if may else 0
    return kinds


def admits(rule: JsonObject, line: JsonObject, med_type: str) -> bool:
    """Whether a rule of a bucket lets it pay a line; what it does not name it does not limit."""
    is_kind = not rule["med_types"] or med_type.startswith(tuple(rule["med_types"]))
    is_part = not rule["parts"] or line["part"] in rule["parts"]
    of_any = not rule["categories"] or line["category"] is None
    return is_kind and is_part and (of_any or line["category"] in rule["categories"])


def take_kind(left: list[int], kind: int, fen: int) -> None:
    """Count what one kind of money paid."""
    for kinds in range(16):
        left[kinds] -= fen if kinds & kind else 0


def paid_within(left: list[int], bits: tuple[int, int], order: str, money: FoldedAccount) -> int:
    """The most that an account may pay, bucket after bucket, of what is left."""
    left, paid = list(left), 0
    buckets = [(bits[0], money.current), (bits[1], money.prior)]
    buckets = buckets[::-1] if order.startswith("PRIOR") else buckets
    for kind, holds in buckets[: 1 if order.endswith("ONLY") else 2]:
        fen = min(max(0, holds), *(left[kinds] for kinds in range(16) if kinds & kind))
        take_kind(left, kind, fen)
        paid += fen
    return paid


def is_open_for(claim: JsonObject, place: JsonObject) -> bool:
    """Whether a region's aid is open for a claim's kind of care.

    Claims of earlier releases, without a reading, are matched by their whole code.
    """
    allowed = tuple(place["med_types_allowed"])
    if not claim.get("reading"):
        return claim["med_type"] in allowed
    refused = tuple(place.get("med_types_refused", ()))
    code = str(claim["med_type"])
    return code.startswith(allowed) and not code.startswith(refused)


def limits_of(
    grant: FoldedGrant, binding: str, spent: FoldedAccount, money: JsonObject, on: date
) -> Iterator[int]:
    """What each cap of the region and of the sponsor leaves, in fen."""
    used, at = spent.used.get(binding, spent.lent), (on, year_from(money))
    if money["cap_set_by"] != "SPONSOR" and money["cap_scope"] == "PER_BINDING":
        yield from left_of(money, "cap_", used, at)
    if money["cap_set_by"] != "SPONSOR" and money["cap_scope"] == "PER_SPONSOR":
        yield from left_of(money, "cap_", spent.lent, at)
    if money["cap_set_by"] != "REGION":
        caps = grant.terms["caps"]
        is_over_all = money.get("sponsor_cap_scope") == "PER_SPONSOR"
        yield from left_of(caps, "", spent.lent if is_over_all else used, at)
        if caps.get("quota_fen") is not None:
            yield max(0, caps["quota_fen"] - spent.quotas.get(binding, 0))


def year_from(money: JsonObject) -> str:
    """The day MM-DD on which the insurance year of a region's rules begins."""
    return str(money.get("insurance_year_from", NEW_YEAR))


def left_of(caps: JsonObject, prefix: str, used: PeriodSums, at: tuple[date, str]) -> Iterator[int]:
    """What four caps leave above what was used, in fen, in the year that begins on a day."""
    on, begins = at
    sums = used.as_of(max(on, used.on), begins)
    gone = {"settlement": 0, "day": sums.day, "month": sums.month, "year": sums.year}
    for period, fen in gone.items():
        cap = caps[f"{prefix}per_{period}_fen"]
        if cap is not None:
            yield max(0, cap - fen)


def check_moves(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """What the bills of a command state as moved is what moved in accounts, to the fen."""
    if any(row.topic not in TOPICS or row.stream in ledger.unknown_streams for row in rows):
        return  # a row that is not understood may have moved money
    stated: Counter[MovementKey] = Counter()
    moved: Counter[MovementKey] = Counter()
    for row in rows:
        for move, fen in stated_moves(ledger, row):
            stated[move] += fen
        if row.topic in MOVES:
            move, fen = move_of(row)
            moved[move] += fen
    for row in rows_of(rows, "account.debit-returned/1", "pool.returned/1"):
        check_return(ledger, row)
    for move in sorted(set(stated) | set(moved)):
        if stated[move] != moved[move]:
            what = f"{' '.join(move)}: {stated[move]} fen by the bill, {moved[move]} in accounts"
            ledger.fault("double entry", rows[0], what)


def bill_of(row: ExportRow) -> str:
    """The stream of the bill that an account's event belongs to."""
    event = row.event
    hold = event.get("hold") if row.topic in ("account.held/1", "pool.held/1") else None
    bill = event.get("settlement") or event.get("payment") or event.get("premium") or hold
    return stream_of(bill)


def move_of(row: ExportRow) -> tuple[MovementKey, int]:
    """What an account's event moved, in fen."""
    event, kind, bill = row.event, MOVES[row.topic], bill_of(row)
    if kind in ("debit", "premium", "hold"):
        return (kind, bill, row.stream, stream_of(event["binding"])), fen_of(event)
    if kind == "back":
        return (kind, bill), fen_of(event)
    return (kind, bill, row.stream), event["amount_fen"]


def stated_moves(ledger: FoldedLedger, row: ExportRow) -> Iterator[tuple[MovementKey, int]]:
    """What a bill's event states as moved, in fen."""
    event, bill = row.event, ledger.bills.get(row.stream)
    if row.topic in DECISIONS:
        kind = "debit" if row.topic == "settlement.settled/1" else "hold"
        for share in event["payers"]:
            if fen_of(share):
                payer, binding = fund_of(share), stream_of(share["binding"])
                yield (kind, row.stream, payer, binding), fen_of(share)
        if event["aid_fen"] and kind == "debit":
            patient = stream_of(event["claim"]["beneficiary"])
            yield ("aid", row.stream, patient), event["aid_fen"]
    elif row.topic in RETURNS and bill is not None:
        is_part = row.topic == "settlement.part-refunded/1"
        own, aid = (event["own_fen"], event["aid_fen"]) if is_part else (bill.own, bill.aid)
        if own + aid:
            yield ("back", row.stream), own + aid
        if aid:
            patient = stream_of(bill.decided["claim"]["beneficiary"])
            yield ("aid back", row.stream, patient), aid
    else:
        yield from stated_by_premium(ledger, row)


def stated_by_premium(ledger: FoldedLedger, row: ExportRow) -> Iterator[tuple[MovementKey, int]]:
    """What a premium's event states as moved, in fen."""
    event, premium = row.event, ledger.premiums.get(row.stream)
    if row.topic == "premium.held/1":
        yield ("hold", row.stream, premium_fund(event), ""), event["amount_fen"]
    elif row.topic == "premium.confirmed/1" and premium is not None and fen_of(event):
        payer = (premium_fund(premium.decided), stream_of(premium.decided["binding"]))
        yield ("premium", row.stream, *payer), fen_of(event)
    elif row.topic == "premium.reversed/1" and premium is not None and premium.own:
        yield ("back", row.stream), premium.own


def premium_fund(held: JsonObject) -> str:
    """The stream that pays a premium: the sponsor's family pool, or the account."""
    return stream_of(held.get("premium_pool") or held["sponsor"])


def check_transfers(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """What an account moved into its owner's pool arrived there, and what came back left it."""
    left: Counter[tuple[str, ...]] = Counter()
    for row in rows:
        event = row.event
        if row.topic in ("account.moved-to-pool/1", "account.moved-from-pool/1"):
            sign = 1 if row.topic == "account.moved-to-pool/1" else -1
            left[row.stream, stream_of(event["pool"])] += sign * fen_of(event)
        elif row.topic in ("pool.funded/1", "pool.emptied/1"):
            sign = -1 if row.topic == "pool.funded/1" else 1
            left[stream_of(event["account"]), row.stream] += sign * fen_of(event)
    for (account, pool), fen in left.items():
        folded = ledger.pools.get(pool)
        if fen:
            what = f"{fen} fen of account {account} did not arrive in pool {pool}, or came of it"
            ledger.fault("double entry", rows[0], what)
        elif folded is None or folded.owner != account:
            ledger.fault("authority", rows[0], f"pool {pool} is not of account {account}")


def check_pool_rules(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """Pools are filled and emptied as the rules allow."""
    for row in rows_of(rows, "account.moved-to-pool/1"):
        check_transfer(ledger, row)
    for row in rows_of(rows, "pool.emptied/1"):
        check_emptied(ledger, row, rows)


def check_transfer(ledger: FoldedLedger, row: ExportRow) -> None:
    """A transfer into a pool is one that the region's rules of that day allow."""
    account, event = ledger.accounts.get(row.stream), row.event
    if account is None or not account.is_known:
        return
    terms = (ledger.edition(account.region, date.fromisoformat(event["on"])) or {}).get("pool")
    if terms is None:
        ledger.fault("policies", row, "money moved into a pool where the rules have none")
        return
    spent = account.as_spent(EPOCH + timedelta(microseconds=row.recorded_at))
    least, limit = terms["min_transfer_fen"], terms["transfers_per_month"]
    if spent.current + spent.prior - fen_of(event) < terms["floor_fen"]:
        ledger.fault("policies", row, "money that must stay in the account moved into a pool")
    if least is not None and fen_of(event) < least:
        ledger.fault("policies", row, "less than one transfer's least amount moved into a pool")
    if limit is not None and account.transfers_in(event["on"][:7]) >= limit:
        ledger.fault("policies", row, "more transfers into a pool than a month may have")
    if account.is_frozen or account.has_ended:
        ledger.fault("authority", row, "a closed account moved money into a pool")


def check_emptied(ledger: FoldedLedger, row: ExportRow, rows: list[ExportRow]) -> None:
    """A pool is its relatives' to spend until nobody is bound, or its owner's account ends."""
    owner, on = stream_of(row.event["account"]), date.fromisoformat(row.event["on"])
    account = ledger.accounts.get(owner)
    if account is None or any(r.stream == owner for r in rows_of(rows, "account.closed/1")):
        return
    grants = [ledger.grants.get(stream_of(binding)) for binding in account.used]
    rules = ledger.edition(account.region, on) or {}
    if rules.get("money_model") == FAMILY_POOL and any(g and g.pays(on) for g in grants):
        ledger.fault("authority", row, "a pool was emptied while relatives were bound")


def check_corrections(ledger: FoldedLedger, rows: list[ExportRow]) -> None:
    """A balance is corrected as one caller of the agency proposed and another approved."""
    approvals = {row.stream: row for row in rows_of(rows, "correction.approved/1")}
    for row in rows_of(rows, "account.corrected/1"):
        correction = stream_of(row.event["correction"])
        approval = approvals.pop(correction, None)
        proposed = ledger.corrections.get(correction)
        if approval is None or proposed is None:
            ledger.fault("authority", row, "a correction that nobody approved")
        elif approval.event["by"] == proposed["by"]:
            ledger.fault("authority", row, "a correction approved by the caller who proposed it")
        elif stream_of(proposed["account"]) != row.stream:
            ledger.fault("double entry", row, "it corrects another account")
        elif proposed["amount_fen"] != row.event["amount_fen"]:
            ledger.fault("double entry", row, "it corrects another sum")
    for row in approvals.values():
        ledger.fault("double entry", row, "approved, and no money moved")


def check_return(ledger: FoldedLedger, row: ExportRow) -> None:
    """Money goes back to the account that paid it, or to its successor."""
    bill = ledger.bills.get(bill_of(row))
    if bill is None:
        return  # check_moves reports it: no bill states this sum
    paid = {fund_of(share): fen_of(share) for share in bill.decided["payers"]}
    for share in bill.decided["payers"]:
        owner = ledger.accounts.get(stream_of(share["account"]))
        if share.get("from_pool") and owner is not None and owner.has_ended:
            paid[stream_of(share["account"])] = fen_of(share)
    is_more = fen_of(row.event) > paid.get(row.stream, 0)
    if is_more and row.stream not in successors_of(ledger, set(paid)):
        ledger.fault("double entry", row, f"account {row.stream} gets back what it did not pay")


def successors_of(ledger: FoldedLedger, streams: set[str]) -> set[str]:
    """The accounts that succeeded some accounts, directly or through others."""
    successors: set[str] = set()
    while streams:
        accounts = [ledger.accounts[stream] for stream in streams if stream in ledger.accounts]
        streams = {account.successor for account in accounts if account.successor} - successors
        successors |= streams
    return successors


# ---------------------------------------------------------------- the two forms of export


class ExportInput(NamedTuple):
    """An export's header and its checkpoint, the keys given, and the checkpoint kept outside."""

    head: JsonObject
    checkpoint: NoteCheckpoint
    keys: list[VerifierKey]
    outside: NoteCheckpoint | None


class ExportVerifier:
    """What both verifiers share. `rows` counts the lines after the header."""

    checks: dict[str, str]
    content: str
    hash_check: str

    def __init__(self, given: ExportInput) -> None:
        self.head, self.checkpoint, self.keys, self.outside = given
        self.faults = Faults()
        self.rows = 0
        self._signed: int = self.head["from"] - 1
        self._has_diverged = False

    def _compare(self, at: int, note: str, *, agrees: bool) -> None:
        """Report where rows differ from a checkpoint signed at their position, the first time."""
        if not agrees:
            self._has_diverged = True
            what = f"{self.content} {self._signed + 1} to {at} are not what was signed there"
            if not read_note(note, self.keys).is_signed:
                what = "a checkpoint on the way is forged"
            self.faults.add(self.hash_check, at, what)
        self._signed = at

    def _check_last(self, last: int) -> None:
        if last != self.head["to"]:
            what = f"the export ends at {last} and should end at {self.head['to']}"
            self.faults.add("contiguity", last, what)

    def _check_outside(self) -> NoteCheckpoint | None:
        """The checkpoint kept outside, after checking that it is of this log; None without one."""
        outside = self.outside
        if outside is None:
            self.faults.skipped["outside"] = "no --checkpoint was given"
            return None
        if not outside.is_signed:
            self.faults.add("outside", 0, "no key given signed the checkpoint kept outside")
        if outside.origin != self.checkpoint.origin:
            self.faults.add("outside", 0, f"it is of another log: {outside.origin}")
        return outside


class LogVerifier(ExportVerifier):
    """Reads a log: contiguity and tree row by row, the ledger command by command."""

    checks, content, hash_check = CHECKS, "rows", "tree"

    def __init__(self, given: ExportInput) -> None:
        super().__init__(given)
        self.ledger = FoldedLedger(self.faults)
        self.tree = Tree()
        self._last: ExportRow | None = None
        self._command: list[ExportRow] = []
        self._versions: dict[str, int] = {}
        self._is_part = bool(self.head.get("selection"))
        self._is_from_first = self.head["from"] == 1 and not self._is_part

    def read(self, line: str) -> None:
        """Check the next line; raises ValueError, KeyError or TypeError if it is not a row."""
        row = read_row(line)
        self._check_contiguity(row)
        leaf = row_leaf(row)
        if leaf != row.leaf:
            self.faults.add("tree", row.position, f"stream {row.stream}: not what was sealed")
        if row.proof is not None:
            root = proven_root(row.position - 1, self.checkpoint.size, leaf, row.proof)
            if root != self.checkpoint.root:
                self.faults.add("tree", row.position, f"stream {row.stream}: no proof leads to it")
        elif not self._is_from_first:
            self.faults.add("tree", row.position, f"stream {row.stream}: carries no proof")
        if self._is_from_first:
            self.tree.add(leaf)
            self._check_signed(row)
            if self._command and row.act != self._command[-1].act:
                self._end_command()
            self._command.append(row)
        self.rows, self._last = self.rows + 1, row

    def end(self) -> None:
        """Check what needs the whole export."""
        if self._command:
            self._end_command()
        is_whole = self._is_from_first and self.tree.size == self.checkpoint.size
        if is_whole and self.tree.root() != self.checkpoint.root and not self._has_diverged:
            self.faults.add("tree", 0, "the rows do not give the signed root")
        last = self._last.position if self._last else 0
        if not self._is_part:
            self._check_last(last)
        if self.head["to"] > self.checkpoint.size:
            self.faults.add("contiguity", 0, "the header's checkpoint does not cover the rows")
        self._end_outside(last)
        if not self._is_from_first:
            self.faults.skipped |= dict.fromkeys(FROM_FIRST, "needs the log from its first row on")

    def _check_contiguity(self, row: ExportRow) -> None:
        """Positions, times and the versions of our streams have no gap and never run back."""
        faults, last = self.faults, self._last
        before = last.position if last else self.head["from"] - 1
        if row.position <= before or (row.position > before + 1 and not self._is_part):
            what = f"stream {row.stream}: follows position {before}"
            faults.add("contiguity", row.position, what)
        if last is not None and row.recorded_at < last.recorded_at:
            faults.add("contiguity", row.position, f"stream {row.stream}: recorded too early")
        version = self._versions.get(row.stream, 0 if self._is_from_first else None)
        self._versions[row.stream] = row.version
        is_counted = not self._is_part and SERVICE_TOPIC.fullmatch(row.topic) is not None
        if version is not None and is_counted and row.version != version + 1:
            what = f"stream {row.stream}: version {row.version} instead of {version + 1}"
            faults.add("contiguity", row.position, what)

    def _check_signed(self, row: ExportRow) -> None:
        """Compare the tree with a checkpoint that was signed here, and with the one outside."""
        tree, outside = self.tree, self.outside
        if row.note is not None and not self._has_diverged:
            signed = read_note(row.note, ())
            agrees = (signed.size, signed.root) == (tree.size, tree.root())
            self._compare(row.position, row.note, agrees=agrees)
        if outside is not None and outside.size == tree.size and outside.root != tree.root():
            what = f"the first {outside.size} rows are not those that were seen outside"
            self.faults.add("outside", row.position, what)

    def _end_command(self) -> None:
        rows, self._command = self._command, []
        try:
            check_command(self.ledger, rows)
        except Exception as error:  # noqa: BLE001 -- a log that was tampered with may hold anything
            why = f"{type(error).__name__}: {error}"[:WHY_MAX]
            what = f"stream {rows[0].stream}: not of its shape ({why})"
            self.faults.add("format", rows[0].position, what)

    def _end_outside(self, last: int) -> None:
        outside, newest = self._check_outside(), self.checkpoint
        if outside is None:
            return
        is_newest = (outside.size, outside.root) == (newest.size, newest.root)
        is_compared = self._is_from_first and outside.size <= self.tree.size
        if outside.size > newest.size:
            what = f"the log ends at {newest.size}, and had {outside.size} rows before"
            self.faults.add("outside", last, what)
        elif not is_compared and not is_newest:
            self.faults.skipped["outside"] = "needs the rows from the first up to it"


ACCESS_TEXTS = ("caller", "role", "operation", "code", "purpose", "trace_id")


def access_hash(before: bytes, access: JsonObject) -> bytes:
    """An access's hash over the one before it; raises ValueError and others if it is no access."""
    numbers = [struct.pack(">q", access[name]) for name in ("at", "status")]
    texts = [*(access[name] or "" for name in ACCESS_TEXTS), *access["streams"]]
    leaf = leaf_hash([*numbers, *(text.encode() for text in texts)])
    position = struct.pack(">q", access["position"])
    return hashlib.sha256(b"\1" + before + position + leaf).digest()


class AccessLogVerifier(ExportVerifier):
    """Reads an access log: each access is hashed over the one before it."""

    checks, content, hash_check = ACCESS_CHECKS, "accesses", "chain"

    def __init__(self, given: ExportInput) -> None:
        super().__init__(given)
        self._reached = self._signed, base64.b64decode(self.head["before"])
        self._check_seen()

    def read(self, line: str) -> None:
        """Check the next line; raises ValueError, KeyError or TypeError if it is no access."""
        access = json.loads(line)
        stored, note = base64.b64decode(access["hash"]), access.get("checkpoint")
        last, before = self._reached
        hashed, position = access_hash(before, access), access["position"]
        if position != last + 1:
            self.faults.add("contiguity", position, f"follows access {last}")
        elif hashed != stored:
            self.faults.add("chain", position, "its hash is not over it and the one before it")
        self.rows, self._reached = self.rows + 1, (position, stored)
        self._check_seen()
        if note is not None and not self._has_diverged:
            self._compare(position, note, agrees=read_note(note, ()).accesses == self._reached)

    def end(self) -> None:
        """Check what needs the whole export."""
        last = self._reached[0]
        self._check_last(last)
        if self.checkpoint.accesses is None:
            self.faults.add("chain", 0, "the checkpoint signs no access")
        elif self._reached != self.checkpoint.accesses and not self._has_diverged:
            self.faults.add("chain", last, "not the access that was signed as the newest")
        outside, pruned = self._check_outside(), self.head["from"] - 1
        if outside is None:
            return
        if outside.accesses is None:
            self.faults.skipped["outside"] = "it signs no access"
        elif outside.accesses[0] > last:
            what = f"the access log ends at {last}, and had {outside.accesses[0]} before"
            self.faults.add("outside", last, what)
        elif outside.accesses[0] < pruned:
            what = f"accesses up to {pruned} were pruned, and it signs older ones"
            self.faults.skipped["outside"] = what

    def _check_seen(self) -> None:
        """Compare the access here with the one that the checkpoint outside signed."""
        seen = self.outside.accesses if self.outside else None
        if seen is not None and seen[0] == self._reached[0] and seen != self._reached:
            what = "the accesses up to here are not those that were seen outside"
            self.faults.add("outside", seen[0], what)


VERIFIERS: dict[str, type[LogVerifier] | type[AccessLogVerifier]] = {
    "gongji-export/1": LogVerifier,
    "gongji-accesses/1": AccessLogVerifier,
}
"""By the form that the header names."""


# ---------------------------------------------------------------- main


def read_head(line: str) -> JsonObject:
    """The header of an export; raises VerifyError."""
    try:
        head: JsonObject = json.loads(line)
        head["from"], head["to"] = int(head["from"]), int(head["to"])
        texts = {name: str(head[name]) for name in ("format", "checkpoint")}
        head |= texts | {"before": str(head.get("before", ""))}
        base64.b64decode(head["before"])
    except Exception as error:
        raise VerifyError("the first line is not the header of an export") from error
    if head["format"] not in VERIFIERS:
        form = head["format"][:WHY_MAX]
        raise VerifyError(f"an export of a form that is not known here: {form}")
    return head


def verify(
    lines: Iterable[str], keys: list[VerifierKey], outside: str | None
) -> LogVerifier | AccessLogVerifier:
    """Check an export's lines; raises VerifyError where nothing can be checked."""
    source = iter(lines)
    head = read_head(next(source, ""))
    kept = read_outside(outside, keys) if outside is not None else None
    checkpoint = read_note(head["checkpoint"], keys)
    verifier = VERIFIERS[head["format"]](ExportInput(head, checkpoint, keys, kept))
    if not checkpoint.is_signed:
        verifier.faults.add("signature", 0, "no key given signed the export's checkpoint")
    for number, line in enumerate(source, 2):
        try:
            verifier.read(line)
        except Exception as error:  # noqa: BLE001 -- a line may hold anything
            what = f"line {number} is not a row ({type(error).__name__})"
            verifier.faults.add("format", 0, what)
    try:
        verifier.end()
    except Exception as error:  # noqa: BLE001 -- so may the header
        what = f"the end cannot be checked ({type(error).__name__})"
        verifier.faults.add("format", 0, what)
    return verifier


def print_report(verifier: ExportVerifier) -> int:
    """Print every check and its faults; the exit status."""
    head, checkpoint, found = verifier.head, verifier.checkpoint, verifier.faults
    print(f"log {checkpoint.origin}, signed over {checkpoint.size} rows")
    print(f"export of {verifier.rows} rows from position {head['from']} to {head['to']}")
    for check, meaning in verifier.checks.items():
        faults = [fault for fault in found.found if fault.check == check]
        if check in found.skipped and not faults:
            print(f"-     {check}: not checked, {found.skipped[check]}")
            continue
        print(f"{'FAULT' if faults else 'ok   '} {check}: {meaning}")
        for fault in faults[:SHOWN_MAX]:
            where = f"position {fault.position}" if fault.position else "the export"
            print(f"      {where}: {fault.what}")
        if len(faults) > SHOWN_MAX:
            print(f"      and {len(faults) - SHOWN_MAX} more")
    for topic, count in sorted(found.unknown.items()):
        print(f"      not checked beyond tree and contiguity: {count} of {topic}")
    print("FAULTS FOUND" if found.found else "everything that was checked holds")
    return 1 if found.found else 0


def read_keys(stated: list[str]) -> list[VerifierKey]:
    """Keys from the command line: keys themselves, or files with one a line."""
    texts = [Path(text).read_text("utf-8") if Path(text).is_file() else text for text in stated]
    keys = [read_key(line) for text in texts for line in text.split()]
    if not keys:
        raise VerifyError("no key was given")
    return keys


def main(arguments: list[str]) -> int:
    """Check an export; the exit status."""
    parser = argparse.ArgumentParser(prog="gongji verify", description="Check an export offline.")
    parser.add_argument("export", metavar="EXPORT", help="a file of `gongji export`; - reads stdin")
    parser.add_argument("--key", action="append", required=True, metavar="PUBKEY")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="kept outside the service")
    options = parser.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a log may hold any character
    try:
        keys = read_keys(options.key)
        outside = options.checkpoint.read_text("utf-8") if options.checkpoint else None
        if options.export == "-":
            return print_report(verify(sys.stdin, keys, outside))
        with Path(options.export).open(encoding="utf-8") as lines:
            return print_report(verify(lines, keys, outside))
    except (VerifyError, OSError, ValueError) as error:
        print(f"gongji verify: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # noqa: BLE001 -- whatever a file holds, it ends with a verdict
        print(f"gongji verify: not an export ({type(error).__name__})", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
