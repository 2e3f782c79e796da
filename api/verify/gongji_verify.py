#!/usr/bin/env python3
"""Check an export of a Gongji ledger offline: `gongji_verify.py EXPORT --key PUBKEY`.

One file, Python 3.11 or newer, the standard library alone, nothing of the service: copy it, read
it, run it elsewhere. It says of every check whether it holds, and of every fault what and where.
Exit status 0: everything holds; 1: something does not; 2: there is nothing that can be checked.

What is trusted: this file, the keys given, and a checkpoint kept outside (`--checkpoint`) where
there is one: without it a log whose newest rows were cut off still looks whole.

Parts: signatures and tree · reading · the ledger as it folds · what each command may do · the
access log · main.
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
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

JsonObject = dict[str, Any]
BEIJING = timezone(timedelta(hours=8))
SHOWN_MAX = 20
WHY_MAX = 200
"""Characters of an error's words that are shown."""
OURS = re.compile(r"[a-z]+\.[a-z-]+/\d+")
"""How topics of the service look; those of a library may count versions in their own way."""
CHECKS = {
    "format": "every line is of its form",
    "signature": "the checkpoint is signed by a key given",
    "contiguity": "positions, versions and times have no gap and never run back",
    "tree": "every row is in the tree that was signed",
    "outside": "the checkpoint kept outside is one of this log, and the log reaches it",
    "keys": "no key was used for two commands",
    "double entry": "every fen that a bill took or gave back moved in an account, and no other",
    "no negative": "no account was ever below zero",
    "order": "own money first, then sponsors in their order, each as far as he could",
    "caps": "no sponsor gave beyond a cap",
    "authority": "every sponsor who paid had granted it, at that position",
    "life cycles": "everything began, went on and ended in its order, decided on what was there",
    "policies": "every decision names the rules in force, and no rule was ever edited",
}
"""The checks, in the order they are told."""
ACCESS_CHECKS = {
    "format": "every line is of its form",
    "signature": "the checkpoint is signed by a key given",
    "contiguity": "positions have no gap and never run back",
    "chain": "every access is hashed over the one before it, up to the one that was signed",
    "outside": "the checkpoint kept outside signs one of these accesses",
}
"""Those of an access log."""
FROM_FIRST = tuple(CHECKS)[5:]
"""Those that need the log from its first row on."""


class VerifyError(Exception):
    """There is nothing that can be checked."""


class Fault(NamedTuple):
    """What does not hold, and where; position 0 is the export as a whole."""

    check: str
    position: int
    what: str


# ---------------------------------------------------------------- signatures and tree

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
CurvePoint = tuple[int, int, int, int]


def _recovered(y: int, sign: int) -> CurvePoint | None:
    """A curve point from its y and the lowest bit of its x (RFC 8032 §5.1.3)."""
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


def _add(one: CurvePoint, other: CurvePoint) -> CurvePoint:
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(n: int, point: CurvePoint) -> CurvePoint:
    found: CurvePoint = (0, 1, 1, 0)
    while n:
        if n & 1:
            found = _add(found, point)
        point = _add(point, point)
        n >>= 1
    return found


BASE = _recovered(4 * pow(5, -1, P) % P, 0)


def _decoded(raw: bytes) -> CurvePoint | None:
    number = int.from_bytes(raw, "little")
    return _recovered(number & (1 << 255) - 1, number >> 255)


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
    """A verifier key of a log: name, id of 4 bytes, and 32 bytes."""

    name: str
    key_id: bytes
    public: bytes


class NoteCheckpoint(NamedTuple):
    """What a signed note says, and whether a key given signed it."""

    origin: str
    size: int
    root: bytes
    is_signed: bool
    accesses: tuple[int, bytes] | None = None
    """Position and hash of the newest access, where it tells."""


def read_key(text: str) -> VerifierKey:
    """A key from `name+hash+base64`; raises VerifyError where it is none."""
    try:
        name, key_id, encoded = text.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        known = hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]
        if known.hex() != key_id or raw[:1] != b"\1":
            raise VerifyError(f"not a key of a log: {text}")
    except ValueError as error:
        raise VerifyError(f"not a key: {text}") from error
    return VerifierKey(name, known, raw[1:])


def read_note(note: str, keys: Iterable[VerifierKey]) -> NoteCheckpoint:
    """A checkpoint from its signed note; raises VerifyError where it is none."""
    body, _, lines = note.partition("\n\n")
    try:
        origin, size, root = body.split("\n")[:3]
        signed = [line.split(" ") for line in lines.splitlines()]
        found = NoteCheckpoint(
            origin, int(size), base64.b64decode(root, validate=True), is_signed=False
        )
        raws = [(name, base64.b64decode(raw, validate=True)) for _, name, raw in signed]
        for line in body.split("\n")[3:]:
            if line.startswith("accesses "):
                _, position, newest = line.split(" ")
                newest_hash = base64.b64decode(newest, validate=True)
                found = found._replace(accesses=(int(position), newest_hash))
    except ValueError as error:
        raise VerifyError("not a signed checkpoint") from error
    message = f"{body}\n".encode()
    holds = any(
        name == key.name == origin
        and raw[:4] == key.key_id
        and ed25519_holds(key.public, message, raw[4:])
        for name, raw in raws
        for key in keys
    )
    return found._replace(is_signed=holds)


def read_outside(text: str, keys: Iterable[VerifierKey]) -> NoteCheckpoint:
    """A checkpoint kept outside: a note, a proof or receipt that ends in one, or our JSON."""
    if text.lstrip().startswith("{"):
        try:
            told = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise VerifyError("not a checkpoint kept outside") from error
        text = str(told.get("witnessed") or told.get("checkpoint") or told.get("proof") or "")
    if text.startswith(("c2sp.org/tlog-proof@v1\n", "old ")):
        text = text.partition("\n\n")[2]
    return read_note(text, keys)


def leaf_of(row: "ExportRow") -> bytes:
    """A row's leaf: SHA-256 over 0x00 and each field with its length before it."""
    fields = (
        struct.pack(">q", row.position),
        bytes.fromhex(row.stream),
        struct.pack(">q", row.version),
        row.topic.encode(),
        struct.pack(">q", row.recorded_at),
        row.state,
    )
    raw = b"".join(struct.pack(">Q", len(each)) + each for each in fields)
    return hashlib.sha256(b"\0" + raw).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The Merkle tree of RFC 9162 over leaves as they come."""

    def __init__(self) -> None:
        """Begin empty."""
        self.size = 0
        self._edge: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Take the next leaf."""
        level = self.size
        while level & 1:
            leaf = _node(self._edge.pop(), leaf)
            level >>= 1
        self._edge.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._edge:
            return hashlib.sha256(b"").digest()
        root = self._edge[-1]
        for left in reversed(self._edge[:-1]):
            root = _node(left, root)
        return root


def proven_root(index: int, size: int, leaf: bytes, proof: list[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162 §2.1.3.2); None: it is no such proof."""
    if not 0 <= index < size:
        return None
    at, last, root = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if at & 1 or at == last:
            root = _node(sibling, root)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            root = _node(root, sibling)
        at, last = at >> 1, last >> 1
    return root if last == 0 else None


# ---------------------------------------------------------------- reading


@dataclass(slots=True)
class ExportRow:
    """A row of the log with its proof data. `event` and `act` are None where it is not ours."""

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


def read_state(told: dict[str, Any]) -> bytes:
    """The stored bytes of a row: its text, or base64 of what is no text; never both."""
    if "state" not in told:
        return base64.b64decode(told["state_base64"], validate=True)
    if "state_base64" in told:
        raise ValueError("a state that is stated twice")
    state: str = told["state"]
    return state.encode()


def read_row(line: str) -> ExportRow:
    """A row from its line; raises ValueError, KeyError or TypeError where it is none."""
    told = json.loads(line)
    state = read_state(told)
    proof = told.get("proof")
    row = ExportRow(
        position=int(told["position"]),
        stream=str(told["stream"]),
        version=int(told["version"]),
        topic=str(told["topic"]),
        recorded_at=int(told["recorded_at"]),
        state=state,
        leaf=base64.b64decode(told["leaf"]),
        proof=None if proof is None else [base64.b64decode(each) for each in proof],
        note=told.get("checkpoint"),
    )
    leaf_of(row)  # every field fits
    if OURS.fullmatch(row.topic):
        stored = json.loads(state)
        row.act = stored.get("act")
        row.event = stored["event"] if row.topic in TOPICS else {}
    return row


class Faults:
    """What was found, check by check."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.found: list[Fault] = []
        self.skipped: dict[str, str] = {}

    def add(self, check: str, position: int, what: str) -> None:
        """Note a fault."""
        self.found.append(Fault(check, position, what))

    def of(self, check: str) -> list[Fault]:
        """The faults of one check."""
        return [fault for fault in self.found if fault.check == check]


# ---------------------------------------------------------------- the ledger as it folds


class PeriodSums(NamedTuple):
    """Sums in fen of the day, month and year that `on` lies in."""

    on: date = date.min
    day: int = 0
    month: int = 0
    year: int = 0

    def plus(self, on: date, fen: int) -> "PeriodSums":
        """The sums with an amount counted on a day, or taken back."""
        newest = max(self.on, on)
        then = self.seen(newest)
        return PeriodSums(
            newest,
            then.day + (fen if on == newest else 0),
            then.month + (fen if (on.year, on.month) == (newest.year, newest.month) else 0),
            then.year + (fen if on.year == newest.year else 0),
        )

    def seen(self, on: date) -> "PeriodSums":
        """The sums as they count on a day."""
        is_month = (self.on.year, self.on.month) == (on.year, on.month)
        return PeriodSums(
            on,
            self.day if self.on == on else 0,
            self.month if is_month else 0,
            self.year if self.on.year == on.year else 0,
        )


NOTHING = PeriodSums()


@dataclass(slots=True)
class FoldedAccount:
    """An account as its events left it, in fen."""

    region: str
    has_funds: bool
    standing: str
    year: int
    current: int = 0
    prior: int = 0
    is_frozen: bool = False
    has_ended: bool = False
    is_known: bool = True
    successor: str | None = None
    links: dict[str, JsonObject] = field(default_factory=dict)
    order: list[str] | None = None
    received: PeriodSums = field(default_factory=lambda: NOTHING)
    lent: PeriodSums = field(default_factory=lambda: NOTHING)
    used: dict[str, PeriodSums] = field(default_factory=dict)
    holds: dict[str, JsonObject] = field(default_factory=dict)
    suspended: dict[str, int] = field(default_factory=dict)

    def lend(self, binding: str | None, on: date, fen: int) -> None:
        """Count what was lent under a binding; own money counts nowhere."""
        if binding is None:
            return
        self.lent = self.lent.plus(on, fen)
        if binding in self.used:
            self.used[binding] = self.used[binding].plus(on, fen)

    def as_spent(self, at: datetime) -> "FoldedAccount":
        """A copy as if its year were closed and what is held had left."""
        seen = FoldedAccount(self.region, self.has_funds, self.standing, self.year)
        seen.is_frozen, seen.has_ended, seen.is_known = (
            self.is_frozen,
            self.has_ended,
            self.is_known,
        )
        seen.received, seen.lent, seen.used = self.received, self.lent, dict(self.used)
        is_over = self.has_funds and self.year < day_of(at).year
        seen.current, seen.prior = self.current, self.prior
        if is_over:
            seen.current, seen.prior = 0, self.current + self.prior
        for hold in self.holds.values():
            if hold["expires_at"] is not None and moment(hold["expires_at"]) <= at:
                continue
            current = 0 if is_over else hold["current_fen"]
            prior = hold["current_fen"] + hold["prior_fen"] - current
            seen.current, seen.prior = seen.current - current, seen.prior - prior
            on = date.fromisoformat(hold["on"])
            if current + prior:
                seen.lend(hold["binding"], on, current + prior)
            if hold["aid_fen"]:
                seen.received = seen.received.plus(on, hold["aid_fen"])
        return seen


@dataclass(slots=True)
class FoldedGrant:
    """A grant as its events left it."""

    terms: JsonObject
    status: str = "invited"
    active_from: str | None = None
    last_on: str | None = None

    def pays(self, on: date) -> bool:
        """Whether a bill of a day may use it."""
        if self.active_from is None or on < date.fromisoformat(self.active_from):
            return False
        if self.last_on is not None and on <= date.fromisoformat(self.last_on):
            return True
        until, renews = self.terms["valid_until"], self.terms["renews_months"]
        is_over = until is not None and renews is None and on > date.fromisoformat(until)
        return self.status == "active" and not is_over


@dataclass(slots=True)
class FoldedBill:
    """A settlement or a hold: the row that decided it, and what of it stays, in fen.

    The row is kept as it was read: a log of millions has to fit, and few are asked for again.
    """

    state: bytes
    position: int
    status: str
    own: int
    aid: int
    cash: int
    key: str

    @property
    def decided(self) -> JsonObject:
        """The event that decided it."""
        event: JsonObject = json.loads(self.state)["event"]
        return event


@dataclass(slots=True)
class LedgerState:
    """Everything that folds from the rows."""

    faults: Faults
    accounts: dict[str, FoldedAccount] = field(default_factory=dict)
    bindings: dict[str, FoldedGrant] = field(default_factory=dict)
    bills: dict[str, FoldedBill] = field(default_factory=dict)
    holds: dict[str, FoldedBill] = field(default_factory=dict)
    editions: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    institutions: dict[str, JsonObject] = field(default_factory=dict)
    corrections: dict[str, JsonObject] = field(default_factory=dict)
    premiums: dict[str, FoldedBill] = field(default_factory=dict)
    versions: dict[str, int] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    buried: dict[str, int] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    strange: set[str] = field(default_factory=set)

    def edition(self, region: str, on: date) -> JsonObject | None:
        """The rules of a region in force on a day, as published so far."""
        begun = [e for e in self.editions.get(region, {}).values() if e["effective_on"] <= f"{on}"]
        newest = max(begun, key=lambda e: str(e["effective_on"]), default=None)
        until = newest["effective_until"] if newest else None
        return None if until is not None and f"{on}" >= until else newest


def moment(text: str) -> datetime:
    """A moment from its text."""
    return datetime.fromisoformat(text)


def day_of(at: datetime) -> date:
    """The Beijing day of a moment."""
    return at.astimezone(BEIJING).date()


def key_of(stream: str | None) -> str:
    """A stream as rows name it, from an id with its kind before it."""
    return "" if stream is None else stream.rpartition("_")[2]


def fen_of(share: JsonObject) -> int:
    """What a payer gave or gets back, both buckets together."""
    return int(share["current_fen"] + share["prior_fen"])


def _opened(ledger: LedgerState, row: ExportRow) -> None:
    event = row.event
    if row.stream in ledger.accounts:
        ledger.faults.add("life cycles", row.position, f"account {row.stream} is opened twice")
    ledger.accounts[row.stream] = FoldedAccount(
        event["region"],
        event["insurance"] == "employee",
        event["standing"],
        date.fromisoformat(event["on"]).year,
    )


def _money(account: FoldedAccount, name: str, event: JsonObject) -> None:
    """Fold what moves an account's money."""
    if name in ("credited", "corrected"):
        is_current = event["bucket"] == "current"
        account.current += event["amount_fen"] if is_current else 0
        account.prior += 0 if is_current else event["amount_fen"]
    elif name == "year-closed":
        account.year, account.prior = event["year"] + 1, account.prior + account.current
        account.current = 0
        for hold in account.holds.values():
            hold.update(current_fen=0, prior_fen=fen_of(hold))
    else:
        sign = 1 if name in ("debit-returned", "premium-returned") else -1
        account.current += sign * event["current_fen"]
        account.prior += sign * event["prior_fen"]
        if name in ("debited", "debit-returned"):
            fen = -sign * fen_of(event)
            account.lend(event["binding"], date.fromisoformat(event["on"]), fen)


def _aside(account: FoldedAccount, name: str, event: JsonObject) -> None:
    """Fold what is counted, held or kept aside."""
    if name in ("aid-received", "aid-returned"):
        fen = event["amount_fen"] if name == "aid-received" else -event["amount_fen"]
        account.received = account.received.plus(date.fromisoformat(event["on"]), fen)
    elif name == "held":
        account.holds[event["hold"]] = dict(event)
    elif name == "hold-released":
        account.holds.pop(event["hold"], None)
    elif name == "return-suspended":
        account.suspended[event["ticket"]] = event["amount_fen"]
        account.lend(event["binding"], date.fromisoformat(event["on"]), -event["amount_fen"])
    else:
        account.suspended.pop(event["ticket"], None)


def _standing(account: FoldedAccount, name: str, event: JsonObject) -> None:
    """Fold how an account stands."""
    if name in ("frozen", "unfrozen"):
        account.is_frozen = name == "frozen"
    elif name == "closed":
        account.has_ended, account.successor = True, key_of(event["successor"])
    elif name == "order-changed":
        account.order = list(event["bindings"])


def _tie(account: FoldedAccount, name: str, event: JsonObject) -> None:
    """Fold whom an account is tied to."""
    if name == "sponsor-linked":
        account.links[event["binding"]] = event
    elif name == "sponsor-unlinked":
        account.links.pop(event["binding"], None)
    elif name == "beneficiary-linked":
        account.used[event["binding"]] = NOTHING
    elif name == "beneficiary-unlinked":
        account.used.pop(event["binding"], None)


def _topics(kind: str, names: str) -> dict[str, str]:
    return {name: f"{kind}.{name}/1" for name in names.split()}


MONEY = _topics(
    "account",
    "credited corrected debited debit-returned premium-debited premium-returned year-closed",
)
ASIDE = _topics(
    "account", "aid-received aid-returned held hold-released return-suspended suspense-paid-out"
)
STANDING = _topics(
    "account",
    "frozen unfrozen insurance-suspended insurance-resumed closed order-changed filing-made",
)
TIES = _topics(
    "account",
    "invitation-received sponsor-linked sponsor-unlinked beneficiary-linked beneficiary-unlinked",
)
GRANT = {
    "confirmed": ("invited", "active"),
    "invitation-declined": ("invited", "declined"),
    "grant-changed": ("active", "active"),
    "released": ("invited active", ""),
}
"""What may happen to a grant in which status, and what it is then."""
BILL = {
    "part-refunded": ("settled part-refunded", "part-refunded"),
    "cancelled": ("settled part-refunded", "cancelled"),
    "reversed": ("settled part-refunded", "reversed"),
    "recovery-due": ("settled part-refunded cancelled reversed", ""),
}
HOLD = {"captured": ("held", "captured"), "ended": ("held", "ended")}
PREMIUM = {
    "sent-to-tax": ("held", "sent"),
    "outcome-unknown": ("sent requested", ""),
    "confirmed": ("sent", "confirmed"),
    "rejected": ("held sent", "rejected"),
    "reversal-requested": ("confirmed", "requested"),
    "reversal-refused": ("requested", "confirmed"),
    "reversed": ("requested", "reversed"),
}
TOPICS = {
    "account.opened/1",
    *(topic for names in (MONEY, ASIDE, STANDING, TIES) for topic in names.values()),
    *_topics("binding", f"invitation-sent stranger-invited {' '.join(GRANT)}").values(),
    *_topics("settlement", f"settled refused {' '.join(BILL)}").values(),
    *_topics("hold", f"placed {' '.join(HOLD)}").values(),
    *_topics("premium", f"held {' '.join(PREMIUM)}").values(),
    *_topics("institution", "designated cleared clearing-requested clearing-withdrawn").values(),
    *_topics("correction", "proposed approved rejected").values(),
    *_topics("kinship", "recorded ended confirmed").values(),
    *_topics("link", "opened requested confirmed reviewed activated code-shown closed").values(),
    "policy.edition-published/1",
    "ledger.fork-accepted/1",
}
"""What this verifier understands; all other rows are in tree and contiguity alone."""


def fold_account(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Fold an account's event, and look whether it could follow."""
    if name == "opened":
        _opened(ledger, row)
        return
    account = ledger.accounts.get(row.stream)
    if account is None:
        ledger.faults.add("life cycles", row.position, f"account {row.stream} was never opened")
        return
    _could_follow(ledger, row, name, account)
    if name in MONEY:
        _money(account, name, row.event)
    elif name in ASIDE:
        _aside(account, name, row.event)
    else:
        _standing(account, name, row.event)
        _tie(account, name, row.event)
    lowest = min(account.current, account.prior)
    if account.is_known and lowest < 0:
        ledger.faults.add("no negative", row.position, f"account {row.stream} is at {lowest} fen")


def _could_follow(ledger: LedgerState, row: ExportRow, name: str, account: FoldedAccount) -> None:
    event, position = row.event, row.position
    if name == "year-closed" and account.is_known and event["carried_fen"] != account.current:
        ledger.faults.add("double entry", position, "the year carried another sum than it had")
    if (
        name == "suspense-paid-out"
        and account.suspended.get(event["ticket"]) != event["amount_fen"]
    ):
        ledger.faults.add("double entry", position, "paid out what was not kept aside")
    if name == "credited" and (account.has_ended or event["amount_fen"] <= 0):
        ledger.faults.add("life cycles", position, "a credit that no account takes")


def fold_binding(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Fold a grant's event, and look whether it could follow."""
    if name in ("invitation-sent", "stranger-invited"):
        if row.version > 1:
            ledger.faults.add("life cycles", row.position, f"binding {row.stream} begins twice")
        ledger.bindings[row.stream] = FoldedGrant(dict(row.event))
        return
    binding = ledger.bindings.get(row.stream)
    before, after = GRANT[name]
    if binding is None or binding.status not in before.split():
        status = binding.status if binding else "not there"
        ledger.faults.add("life cycles", row.position, f"{row.topic} on a binding that is {status}")
        return
    binding.status = after or row.event["status"]
    if name == "confirmed":
        binding.active_from = row.event["active_from"]
    elif name == "grant-changed":
        binding.terms.update(row.event)
    elif name == "released":
        binding.last_on = row.event["last_on"]


def fold_edition(ledger: LedgerState, row: ExportRow, _: str) -> None:
    """Keep a published edition; the same name with other words is a fault."""
    event = row.event
    published = ledger.editions.setdefault(event["region"], {})
    content = json.loads(event["content"])
    if published.get(event["edition"], content) != content:
        ledger.faults.add("policies", row.position, f"edition {event['edition']} was edited")
    if (content["id"], content["region"]) != (event["edition"], event["region"]):
        ledger.faults.add("policies", row.position, f"edition {event['edition']} names another")
    published[event["edition"]] = content


# ---------------------------------------------------------------- what each command may do


@dataclass(slots=True)
class CommandRows:
    """The rows that one command wrote, in their order."""

    rows: list[ExportRow]

    @property
    def position(self) -> int:
        """Where it begins."""
        return self.rows[0].position

    @property
    def key(self) -> str:
        """The keyed digest of its key."""
        return str((self.rows[0].act or {}).get("key_digest", ""))

    def is_understood(self, ledger: LedgerState) -> bool:
        """Whether every row, and all that happened to its streams, is known to this verifier."""
        strange = ledger.strange
        return all(row.topic in TOPICS and row.stream not in strange for row in self.rows)

    def named(self, *topics: str) -> list[ExportRow]:
        """Its rows of some topics."""
        return [row for row in self.rows if row.topic in topics]


def check_command(ledger: LedgerState, command: CommandRows) -> None:
    """Check one command against the ledger as it stood before it, then fold it in."""
    check_key(ledger, command)
    check_moves(ledger, command)
    check_corrections(ledger, command)
    decisions = command.named(*DECISIONS)
    own = {row.stream for row in decisions}
    made: list[ExportRow] = []
    for row in command.rows:
        if row.stream in own or bill_of(row) in own:
            made.append(row)
        else:
            fold(ledger, row)  # what was free for the decision, though freed by the same command
    for row in decisions:
        check_read(ledger, command, row)
        check_decision(ledger, row)
    for row in made:
        fold(ledger, row)
    for row in command.rows:
        ledger.versions[row.stream] = row.version


def check_key(ledger: LedgerState, command: CommandRows) -> None:
    """A key is used up once, and a buried one never."""
    key, position = command.key, command.position
    if not key:
        return
    if key in ledger.keys:
        ledger.faults.add("keys", position, f"its key was used at position {ledger.keys[key]}")
    if key in ledger.buried:
        where = ledger.buried[key]
        ledger.faults.add("keys", position, f"its command was reversed at position {where}")
    ledger.keys.setdefault(key, position)
    for row in command.named("settlement.reversed/1"):
        undone, bill = row.event["undone"], ledger.bills.get(row.stream)
        if bill is None and undone in ledger.keys:
            ledger.faults.add("keys", row.position, "a tombstone on a key that was used")
        if bill is None:
            ledger.buried[undone] = row.position
        elif bill.key != undone:
            ledger.faults.add("keys", row.position, "it undoes another command than it names")


def check_read(ledger: LedgerState, command: CommandRows, row: ExportRow) -> None:
    """A decision saw every stream at the version that it had."""
    for stream, version in row.event["read"].items():
        held = ledger.versions.get(key_of(stream), 0)
        if held != version:
            what = f"it was decided on version {version} of {stream}, which was at {held}"
            ledger.faults.add("life cycles", command.position, what)


def check_decision(ledger: LedgerState, row: ExportRow) -> None:
    """A bill that was settled or held: sums, order, caps, grants and rules."""
    event = row.event
    check_sums(ledger, row)
    captured = event.get("hold")
    if captured is not None:
        check_capture(ledger, row, ledger.holds.get(key_of(captured)))
        return
    check_place(ledger, row)
    at = moment(event.get("settled_at") or event["held_at"])
    patient = ledger.accounts.get(key_of(event["claim"]["beneficiary"]))
    if patient is None:
        ledger.faults.add("life cycles", row.position, "a bill of nobody")
        return
    rules = check_rules(ledger, row, patient, day_of(at))
    if rules is None:
        return
    own, *sponsors = event["payers"]
    check_own(ledger, row, patient.as_spent(at), own)
    check_order(ledger, row, patient, at)
    for share in sponsors:
        check_sponsor(ledger, row, share, at)
    check_beneficiary_cap(ledger, row, patient.as_spent(at), at)


def check_sums(ledger: LedgerState, row: ExportRow) -> None:
    """Every fen of the bill has one payer, and nobody pays less than nothing."""
    event, claim = row.event, row.event["claim"]
    own, *sponsors = event["payers"]
    paid = [fen_of(own), sum(map(fen_of, sponsors)), event["cash_fen"]]
    parts = [share[bucket] for share in event["payers"] for bucket in ("current_fen", "prior_fen")]
    personal = claim["total_fen"] - claim["fund_pay_fen"]
    if min([*parts, *paid, claim["fund_pay_fen"]]) < 0 or sum(paid) != personal:
        what = f"own {paid[0]}, aid {paid[1]} and cash {paid[2]} fen are not {personal}"
        ledger.faults.add("double entry", row.position, what)
    if paid[:2] != [event["own_fen"], event["aid_fen"]]:
        ledger.faults.add("double entry", row.position, "its sums are not its payers'")
    lines = claim["lines"]
    if lines is not None and sum(line["amount_fen"] for line in lines) != personal:
        ledger.faults.add("double entry", row.position, "its lines are not its personal part")


def check_capture(ledger: LedgerState, row: ExportRow, hold: FoldedBill | None) -> None:
    """A captured bill takes from nobody more than was held for it."""
    if hold is None or hold.status != "held":
        ledger.faults.add("life cycles", row.position, "it captures a hold that is not in force")
        return
    held = Counter({share["account"]: fen_of(share) for share in hold.decided["payers"]})
    for share in row.event["payers"]:
        if fen_of(share) > held[share["account"]]:
            what = f"{share['account']} paid more than was held"
            ledger.faults.add("authority", row.position, what)


def check_rules(
    ledger: LedgerState, row: ExportRow, patient: FoldedAccount, on: date
) -> JsonObject | None:
    """The editions that a decision names are those in force; the patient's."""
    event = row.event
    rules = ledger.edition(patient.region, on)
    if rules is None or event["editions"]["beneficiary"] != rules["id"]:
        ledger.faults.add("policies", row.position, "it names other rules than those in force")
    for binding, edition in event["editions"].items():
        grant = ledger.bindings.get(key_of(binding))
        sponsor = ledger.accounts.get(key_of(grant.terms["sponsor"])) if grant else None
        known = ledger.edition(sponsor.region, on) if sponsor else None
        if binding != "beneficiary" and (known is None or known["id"] != edition):
            ledger.faults.add("policies", row.position, f"{binding}: not the rules in force")
    return rules


def check_own(ledger: LedgerState, row: ExportRow, seen: FoldedAccount, own: JsonObject) -> None:
    """Own money is first, whole, and spent before any aid."""
    event, position = row.event, row.position
    patient = event["claim"]["beneficiary"]
    if own["binding"] is not None or own["account"] not in (None, patient):
        ledger.faults.add("order", position, "the first payer is not the patient")
    rules = ledger.edition(seen.region, date.fromisoformat(event["on"]))
    if rules is None or not seen.is_known:
        return
    buckets = rules["money"]["own_buckets_order"]
    available = {"CURRENT_ONLY": seen.current, "PRIOR_ONLY": seen.prior}.get(
        buckets, seen.current + seen.prior
    )
    if seen.is_frozen or seen.has_ended or not seen.has_funds:
        available = 0
    if own["available_fen"] != available:
        what = f"own money is said to be {own['available_fen']} fen and was {available}"
        ledger.faults.add("order", position, what)
    if event["aid_fen"] and event["claim"]["use_account"] and fen_of(own) < available:
        ledger.faults.add("order", position, "aid paid before own money was spent")


def check_order(ledger: LedgerState, row: ExportRow, patient: FoldedAccount, at: datetime) -> None:
    """Sponsors pay in their order, each as far as he could, and nobody is left out."""
    sponsors, position = row.event["payers"][1:], row.position
    named = [share["binding"] for share in sponsors]
    for binding in patient.links:
        if binding not in named:
            ledger.faults.add("order", position, f"sponsor {binding} was not considered")
    giving = [share for share in sponsors if fen_of(share)]
    for share in giving[:-1]:
        limit = share["limit_fen"]
        could = share["available_fen"] if limit is None else min(share["available_fen"], limit)
        if fen_of(share) != could:
            ledger.faults.add("order", position, f"{share['binding']} could give more than he did")
    silent = [s for s in sponsors if not fen_of(s) and s["reason"] is None]
    if silent or any(fen_of(share) and share["reason"] for share in sponsors):
        ledger.faults.add("order", position, "a payer's reason does not fit what he gave")
    ranks = [rank_of(ledger, patient, share["binding"], at) for share in giving]
    if None not in ranks and ranks != sorted(ranks, key=lambda rank: rank or ()):
        ledger.faults.add("order", position, "sponsors did not pay in the order that was set")


def rank_of(
    ledger: LedgerState, patient: FoldedAccount, binding: str, at: datetime
) -> tuple[int | float | str, ...] | None:
    """Where a sponsor stands in the order; None where he is no sponsor, or there are no rules."""
    link, rules = patient.links.get(binding), ledger.edition(patient.region, day_of(at))
    if link is None or rules is None:
        return None
    terms = rules["order"]
    linked, strategy = moment(link["linked_at"]).timestamp(), terms["order_strategy"]
    if strategy in ("BENEFICIARY_SET", "SPONSOR_SET"):
        if patient.order is not None:
            named = binding in patient.order
            rank = patient.order.index(binding) if named else len(patient.order)
            return (rank, linked, binding)
        strategy = terms["order_fallback"]
    sponsor = ledger.accounts.get(key_of(link["sponsor"]))
    first: tuple[int | float | str, ...] = ()
    if strategy == "SAME_REGION_FIRST":
        first = (sponsor is None or sponsor.region != patient.region,)
        strategy = terms["order_then"]
    if strategy == "BALANCE_DESC" and sponsor is not None:
        seen = sponsor.as_spent(at)
        return (*first, -(seen.current + seen.prior), binding)
    return (*first, -linked if strategy == "BIND_TIME_DESC" else linked, binding)


def check_sponsor(ledger: LedgerState, row: ExportRow, share: JsonObject, at: datetime) -> None:
    """A sponsor who paid had granted it, had it, and stayed below every cap."""
    binding = ledger.bindings.get(key_of(share["binding"]))
    sponsor = ledger.accounts.get(key_of(share["account"]))
    if binding is None or sponsor is None:
        ledger.faults.add("authority", row.position, f"{share['binding']} was never granted")
        return
    if fen_of(share):
        check_grant(ledger, row, share, binding, day_of(at))
        if sponsor.is_frozen or sponsor.has_ended:
            ledger.faults.add("authority", row.position, f"{share['account']} may not pay")
    rules = ledger.edition(sponsor.region, day_of(at))
    if rules is None or not sponsor.is_known:
        return
    if share["available_fen"]:
        check_purse(ledger, row, share, sponsor.as_spent(at), rules["money"])
        limits = limits_of(
            binding, share["binding"], sponsor.as_spent(at), rules["money"], day_of(at)
        )
        check_limit(ledger, row, share, min(limits, default=None))
    elif fen_of(share):
        ledger.faults.add("order", row.position, f"{share['account']} gave what he had not")


def check_grant(
    ledger: LedgerState, row: ExportRow, share: JsonObject, binding: FoldedGrant, on: date
) -> None:
    """The grant is in force on that day, between these two, and for care."""
    sides = (binding.terms["sponsor"], binding.terms["beneficiary"])
    patient = row.event["claim"]["beneficiary"]
    if sides != (share["account"], patient) or "care" not in binding.terms["uses"]:
        ledger.faults.add("authority", row.position, f"{share['binding']} grants something else")
    if not binding.pays(on):
        ledger.faults.add("authority", row.position, f"{share['binding']} is not in force")


def check_purse(
    ledger: LedgerState, row: ExportRow, share: JsonObject, seen: FoldedAccount, money: JsonObject
) -> None:
    """What a sponsor is said to have is what his buckets held above the reserve."""
    in_buckets = seen.prior + (0 if money["sponsor_buckets"] == "PRIOR_ONLY" else seen.current)
    available = max(0, min(in_buckets, seen.current + seen.prior - money["reserve_fen"]))
    if share["available_fen"] != available or fen_of(share) > available:
        what = f"{share['account']} is said to have {share['available_fen']} fen, had {available}"
        ledger.faults.add("order", row.position, what)


def check_limit(ledger: LedgerState, row: ExportRow, share: JsonObject, lowest: int | None) -> None:
    """What a sponsor gave is below the lowest cap, and the cap is the one on record."""
    if lowest is not None and fen_of(share) > lowest:
        ledger.faults.add("caps", row.position, f"{share['binding']} gave more than {lowest} fen")
    if share["limit_fen"] != lowest:
        what = f"{share['binding']}: the cap is said to leave {share['limit_fen']}, left {lowest}"
        ledger.faults.add("caps", row.position, what)


def limits_of(
    binding: FoldedGrant, binding_id: str, seen: FoldedAccount, money: JsonObject, on: date
) -> Iterator[int]:
    """What each cap of region and sponsor leaves, in fen."""
    used = seen.used.get(binding_id, seen.lent)
    if money["cap_set_by"] != "SPONSOR" and money["cap_scope"] == "PER_BINDING":
        yield from left_of(money, "cap_", used, on)
    if money["cap_set_by"] != "SPONSOR" and money["cap_scope"] == "PER_SPONSOR":
        yield from left_of(money, "cap_", seen.lent, on)
    if money["cap_set_by"] != "REGION":
        yield from left_of(binding.terms["caps"], "", used, on)


def left_of(caps: JsonObject, prefix: str, spent: PeriodSums, on: date) -> Iterator[int]:
    """What four caps leave over what was spent."""
    seen = spent.seen(max(on, spent.on))
    gone = {"settlement": 0, "day": seen.day, "month": seen.month, "year": seen.year}
    for period, fen in gone.items():
        cap = caps[f"{prefix}per_{period}_fen"]
        if cap is not None:
            yield max(0, cap - fen)


def check_beneficiary_cap(
    ledger: LedgerState, row: ExportRow, seen: FoldedAccount, at: datetime
) -> None:
    """All sponsors together stay below the region's cap per patient."""
    rules = ledger.edition(seen.region, day_of(at))
    money = rules["money"] if rules else {"cap_scope": ""}
    if money["cap_scope"] != "PER_BENEFICIARY" or money["cap_set_by"] == "SPONSOR":
        return
    lowest = min(left_of(money, "cap_", seen.received, day_of(at)), default=None)
    if lowest is not None and row.event["aid_fen"] > lowest:
        ledger.faults.add("caps", row.position, f"aid of {row.event['aid_fen']} fen over {lowest}")


def check_moves(ledger: LedgerState, command: CommandRows) -> None:
    """What a command's bills say they moved is what moved in accounts, to the fen."""
    if not command.is_understood(ledger):
        return
    said: Counter[tuple[str, ...]] = Counter()
    moved: Counter[tuple[str, ...]] = Counter()
    for row in command.rows:
        for move, fen in moves_said(ledger, row):
            said[move] += fen
        if row.topic in MOVES:
            move, fen = move_of(row, bill_of(row))
            moved[move] += fen
    for row in command.named("account.debit-returned/1"):
        check_return(ledger, row, bill_of(row))
    for move in sorted(set(said) | set(moved)):
        if said[move] != moved[move]:
            what = f"{' '.join(move)}: {said[move]} fen by the bill, {moved[move]} in accounts"
            ledger.faults.add("double entry", command.position, what)


def bill_of(row: ExportRow) -> str:
    """The bill that an account's event belongs to."""
    event = row.event
    hold = event.get("hold") if row.topic == "account.held/1" else None
    return key_of(event.get("settlement") or event.get("payment") or event.get("premium") or hold)


def move_of(row: ExportRow, bill: str) -> tuple[tuple[str, ...], int]:
    """What an account's event moved, in the words of `moves_said`."""
    event, kind = row.event, MOVES[row.topic]
    if kind in ("debit", "premium"):
        return (kind, bill, row.stream, key_of(event["binding"])), fen_of(event)
    if kind == "hold":
        return (kind, bill, row.stream, key_of(event["binding"])), fen_of(event)
    if kind == "back":
        fen = event["amount_fen"] if "amount_fen" in event else fen_of(event)
        return (kind, bill), fen
    return (kind, bill, row.stream), event["amount_fen"]


def moves_said(ledger: LedgerState, row: ExportRow) -> Iterator[tuple[tuple[str, ...], int]]:
    """What a bill's event says was moved."""
    event, bill = row.event, ledger.bills.get(row.stream)
    if row.topic in DECISIONS:
        kind = "debit" if row.topic == "settlement.settled/1" else "hold"
        for share in event["payers"]:
            if fen_of(share):
                payer, binding = key_of(share["account"]), key_of(share["binding"])
                yield (kind, row.stream, payer, binding), fen_of(share)
        if event["aid_fen"] and kind == "debit":
            patient = key_of(event["claim"]["beneficiary"])
            yield ("aid", row.stream, patient), event["aid_fen"]
    elif row.topic in RETURNS and bill is not None:
        is_part = row.topic == "settlement.part-refunded/1"
        own, aid = (event["own_fen"], event["aid_fen"]) if is_part else (bill.own, bill.aid)
        if own + aid:
            yield ("back", row.stream), own + aid
        if aid:
            patient = key_of(bill.decided["claim"]["beneficiary"])
            yield ("aid back", row.stream, patient), aid
    else:
        yield from premium_said(ledger, row)


def premium_said(ledger: LedgerState, row: ExportRow) -> Iterator[tuple[tuple[str, ...], int]]:
    """What a premium's event says was moved."""
    event, premium = row.event, ledger.premiums.get(row.stream)
    if row.topic == "premium.held/1":
        yield ("hold", row.stream, key_of(event["sponsor"]), ""), event["amount_fen"]
    elif row.topic == "premium.confirmed/1" and premium is not None and fen_of(event):
        payer = (key_of(premium.decided["sponsor"]), key_of(premium.decided["binding"]))
        yield ("premium", row.stream, *payer), fen_of(event)
    elif row.topic == "premium.reversed/1" and premium is not None and premium.own:
        yield ("back", row.stream), premium.own


def check_corrections(ledger: LedgerState, command: CommandRows) -> None:
    """A balance is put right as one of the agency proposed and another approved."""
    approved = {row.stream: row for row in command.named("correction.approved/1")}
    for row in command.named("account.corrected/1"):
        by = approved.pop(key_of(row.event["correction"]), None)
        proposed = ledger.corrections.get(key_of(row.event["correction"]))
        if by is None or proposed is None:
            ledger.faults.add("authority", row.position, "a correction that nobody approved")
        elif by.event["by"] == proposed["by"]:
            ledger.faults.add("authority", row.position, "a correction approved by who proposed it")
        elif (key_of(proposed["account"]), proposed["amount_fen"]) != (
            row.stream,
            row.event["amount_fen"],
        ):
            ledger.faults.add("double entry", row.position, "it corrects something else")
    for row in approved.values():
        ledger.faults.add("double entry", row.position, "approved, and no money moved")


def check_place(ledger: LedgerState, row: ExportRow) -> None:
    """A bill is taken at an institution under agreement, in its region."""
    place = ledger.institutions.get(key_of(row.event["claim"]["institution"]))
    if place is None or place["status"] != "active":
        ledger.faults.add("authority", row.position, "a bill of an institution without agreement")
    elif place["region"] != row.event["place_region"]:
        ledger.faults.add(
            "policies", row.position, "it names another region than its institution's"
        )


def check_return(ledger: LedgerState, row: ExportRow, bill_id: str) -> None:
    """Money goes back to who paid it, or to his successor."""
    bill = ledger.bills.get(bill_id)
    if bill is None:
        return  # told as a sum that nothing says
    paid = {key_of(share["account"]): fen_of(share) for share in bill.decided["payers"]}
    if fen_of(row.event) > paid.get(row.stream, 0) and row.stream not in heirs_of(
        ledger, set(paid)
    ):
        what = f"account {row.stream} gets back what it did not pay"
        ledger.faults.add("double entry", row.position, what)


def heirs_of(ledger: LedgerState, streams: set[str]) -> set[str]:
    """The accounts that took the place of some, and of those in turn."""
    heirs: set[str] = set()
    while streams:
        known = [ledger.accounts[stream] for stream in streams if stream in ledger.accounts]
        streams = {account.successor for account in known if account.successor} - heirs
        heirs |= streams
    return heirs


MOVES = {
    "account.debited/1": "debit",
    "account.held/1": "hold",
    "account.premium-debited/1": "premium",
    "account.premium-returned/1": "back",
    "account.debit-returned/1": "back",
    "account.return-suspended/1": "back",
    "account.aid-received/1": "aid",
    "account.aid-returned/1": "aid back",
}
DECISIONS = ("settlement.settled/1", "hold.placed/1")
RETURNS = (
    "settlement.part-refunded/1",
    "settlement.cancelled/1",
    "settlement.reversed/1",
)


def fold(ledger: LedgerState, row: ExportRow) -> None:
    """Fold a row into the ledger, and look whether it could follow."""
    kind, _, name = row.topic.removesuffix("/1").partition(".")
    if row.topic not in TOPICS:
        ledger.unknown[row.topic] += 1
        ledger.strange.add(row.stream)
        if row.stream in ledger.accounts:
            ledger.accounts[row.stream].is_known = False
    elif kind == "account" or (kind in FOLDS and row.stream not in ledger.strange):
        FOLDS[kind](ledger, row, name)


def fold_bill(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Fold a settlement's or a hold's event, and look whether it could follow."""
    shelf, steps = (ledger.holds, HOLD) if row.topic.startswith("hold.") else (ledger.bills, BILL)
    bill, event = shelf.get(row.stream), row.event
    key = str((row.act or {}).get("key_digest", ""))
    if row.version == 1 and name in ("settled", "placed", "refused", "reversed"):
        sums = (event.get("own_fen", 0), event.get("aid_fen", 0), event.get("cash_fen", 0))
        status = {"placed": "held"}.get(name, name)
        shelf[row.stream] = FoldedBill(row.state, row.position, status, *sums, key)
        return
    before, after = steps.get(name, ("", ""))
    if bill is None or bill.status not in before.split():
        status = bill.status if bill else "not there"
        ledger.faults.add("life cycles", row.position, f"{row.topic} on what is {status}")
        return
    bill.status = after or bill.status
    if name == "part-refunded":
        bill.own -= event["own_fen"]
        bill.aid -= event["aid_fen"]
        bill.cash -= event["cash_fen"]
        back = event["own_fen"] + event["aid_fen"] + event["cash_fen"]
        if min(bill.own, bill.aid, bill.cash) < 0 or back != event["amount_fen"]:
            ledger.faults.add("double entry", row.position, "it gives back more than stays")
    elif name in ("cancelled", "reversed"):
        bill.own = bill.aid = bill.cash = 0


def fold_institution(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Keep the newest particulars of an institution."""
    if name == "designated":
        ledger.institutions[row.stream] = row.event


def fold_premium(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Fold a premium's event: granted for premiums, and step by step."""
    event, premium = row.event, ledger.premiums.get(row.stream)
    if name == "held" and row.version == 1:
        ledger.premiums[row.stream] = FoldedBill(row.state, row.position, "held", 0, 0, 0, "")
        grant = ledger.bindings.get(key_of(event["binding"]))
        sides = (grant.terms["sponsor"], grant.terms["beneficiary"]) if grant else ()
        is_granted = grant is not None and "premium" in grant.terms["uses"]
        if sides != (event["sponsor"], event["payee"]) or not is_granted:
            ledger.faults.add("authority", row.position, "a premium that no grant allows")
        elif grant is not None and not grant.pays(date.fromisoformat(event["on"])):
            ledger.faults.add("authority", row.position, f"{event['binding']} is not in force")
        return
    before, after = PREMIUM.get(name, ("", ""))
    if premium is None or premium.status not in before.split():
        status = premium.status if premium else "not there"
        ledger.faults.add("life cycles", row.position, f"{row.topic} on what is {status}")
        return
    premium.status = after or premium.status
    if name == "confirmed":
        premium.own = fen_of(event)
        if premium.own + event["uncovered_fen"] != premium.decided["amount_fen"]:
            ledger.faults.add("double entry", row.position, "it took another sum than was held")


def fold_correction(ledger: LedgerState, row: ExportRow, name: str) -> None:
    """Keep what was proposed."""
    if name == "proposed":
        ledger.corrections[row.stream] = row.event


FOLDS: dict[str, Callable[[LedgerState, ExportRow, str], None]] = {
    "account": fold_account,
    "binding": fold_binding,
    "policy": fold_edition,
    "settlement": fold_bill,
    "hold": fold_bill,
    "institution": fold_institution,
    "correction": fold_correction,
    "premium": fold_premium,
}


# ---------------------------------------------------------------- the access log


def check_outside(faults: Faults, outside: NoteCheckpoint, checkpoint: NoteCheckpoint) -> None:
    """Look whether a checkpoint kept outside is one of this log."""
    if not outside.is_signed:
        faults.add("outside", 0, "no key given signed the checkpoint outside")
    if outside.origin != checkpoint.origin:
        faults.add("outside", 0, f"it is of another log: {outside.origin}")


def access_hash(before: bytes, access: JsonObject) -> bytes:
    """An access's hash over the one before it; raises ValueError and others: it is no access."""
    leaf = hashlib.sha256(b"\0")
    members = [struct.pack(">q", access["at"]), struct.pack(">q", access["status"])]
    texts = [access[name] or "" for name in ACCESS_TEXTS]
    for member in (*members, *(text.encode() for text in (*texts, *access["streams"]))):
        leaf.update(struct.pack(">Q", len(member)) + member)
    position = struct.pack(">q", access["position"])
    return hashlib.sha256(b"\1" + before + position + leaf.digest()).digest()


ACCESS_TEXTS = ("caller", "role", "operation", "code", "purpose", "trace_id")


class AccessLogVerifier:
    """One walk along an access log: each access over the one before it."""

    checks = ACCESS_CHECKS

    def __init__(
        self, head: JsonObject, checkpoint: NoteCheckpoint, outside: NoteCheckpoint | None
    ) -> None:
        """Begin before the first access that is kept."""
        self.faults = Faults()
        self.ledger = LedgerState(self.faults)
        self.head, self.checkpoint, self.outside = head, checkpoint, outside
        self.rows = 0
        self.keys: list[VerifierKey] = []
        self._at: int = head["from"] - 1
        self._hash = base64.b64decode(head.get("before", ""))
        self._signed = self._at
        self._is_astray = False
        self._check_seen()

    def read(self, line: str) -> None:
        """Check the next line; raises ValueError, KeyError or TypeError where it is no access."""
        access = json.loads(line)
        stored = base64.b64decode(access["hash"])
        hashed, position = access_hash(self._hash, access), access["position"]
        if position != self._at + 1:
            self.faults.add("contiguity", position, f"follows access {self._at}")
        elif hashed != stored:
            self.faults.add("chain", position, "not what was hashed over the one before it")
        self.rows, self._at, self._hash = self.rows + 1, position, stored
        self._check_seen()
        if access.get("checkpoint") is not None and not self._is_astray:
            self._compare(access["checkpoint"])

    def end(self) -> None:
        """Check what only the whole can show."""
        if self._at != self.head["to"]:
            what = f"the export ends at {self._at}, and should at {self.head['to']}"
            self.faults.add("contiguity", self._at, what)
        if self.checkpoint.accesses is None:
            self.faults.add("chain", 0, "the checkpoint signs no access")
        elif (self._at, self._hash) != self.checkpoint.accesses and not self._is_astray:
            self.faults.add("chain", self._at, "not the access that was signed as the newest")
        if self.outside is None:
            self.faults.skipped["outside"] = "no --checkpoint was given"
            return
        check_outside(self.faults, self.outside, self.checkpoint)
        if self.outside.accesses is None:
            self.faults.skipped["outside"] = "it tells nothing of accesses"
        elif self.outside.accesses[0] > self._at:
            what = f"the access log ends at {self._at}, and had {self.outside.accesses[0]} before"
            self.faults.add("outside", self._at, what)
        elif self.outside.accesses[0] < self.head["from"] - 1:
            what = f"accesses up to {self.head['from'] - 1} were forgotten, and it signs older ones"
            self.faults.skipped["outside"] = what

    def _check_seen(self) -> None:
        """Hold the access here against the one that the checkpoint outside signed."""
        seen = self.outside.accesses if self.outside else None
        if seen is not None and seen[0] == self._at and seen[1] != self._hash:
            what = "the accesses up to here are not those that were seen outside"
            self.faults.add("outside", self._at, what)

    def _compare(self, note: str) -> None:
        """Hold the access here against a checkpoint that was signed over it."""
        way = read_note(note, ())
        if way.accesses != (self._at, self._hash):
            self._is_astray = True
            what = f"accesses {self._signed + 1} to {self._at} are not what was signed there"
            if not read_note(note, self.keys).is_signed:
                what = "a checkpoint on the way is forged"
            self.faults.add("chain", self._at, what)
        self._signed = self._at


# ---------------------------------------------------------------- main


class LogVerifier:
    """One walk through an export: contiguity and tree row by row, the ledger command by command."""

    checks = CHECKS

    def __init__(
        self, head: JsonObject, checkpoint: NoteCheckpoint, outside: NoteCheckpoint | None
    ) -> None:
        """Begin before the first row."""
        self.faults = Faults()
        self.ledger = LedgerState(self.faults)
        self.tree = Tree()
        self.head, self.checkpoint, self.outside = head, checkpoint, outside
        self.rows = 0
        self.signed = 0
        self.keys: list[VerifierKey] = []
        self._last: ExportRow | None = None
        self._command: list[ExportRow] = []
        self._versions: dict[str, int] = {}
        self._is_from_first = head["from"] == 1 and not head.get("selection")
        self._is_astray = False

    def read(self, line: str) -> None:
        """Check the next line; raises ValueError, KeyError or TypeError where it is no row."""
        self.take(read_row(line))

    def take(self, row: ExportRow) -> None:
        """Check the next row."""
        self._follows(row)
        leaf = leaf_of(row)
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
            self._compare(row)
            if self._command and row.act != self._command[-1].act:
                self._end_command()
            self._command.append(row)
        self.rows, self._last = self.rows + 1, row

    def end(self) -> None:
        """Check what only the whole can show."""
        if self._command:
            self._end_command()
        is_whole = self._is_from_first and self.tree.size == self.checkpoint.size
        if is_whole and self.tree.root() != self.checkpoint.root and not self._is_astray:
            self.faults.add("tree", 0, "the rows do not give the root that was signed")
        last = self._last.position if self._last else 0
        if not self.head.get("selection") and last != self.head["to"]:
            what = f"the export ends at {last}, and should at {self.head['to']}"
            self.faults.add("contiguity", last, what)
        if self.head["to"] > self.checkpoint.size:
            self.faults.add("contiguity", 0, "the header's checkpoint does not cover the rows")
        self._end_outside(last)
        if not self._is_from_first:
            for check in FROM_FIRST:
                self.faults.skipped[check] = "needs the log from its first row on"

    def _follows(self, row: ExportRow) -> None:
        """Positions, times, and versions of our streams, have no gap and never run back."""
        faults, last = self.faults, self._last
        before = last.position if last else self.head["from"] - 1
        is_part = bool(self.head.get("selection"))
        if row.position <= before or (row.position > before + 1 and not is_part):
            what = f"stream {row.stream}: follows position {before}"
            faults.add("contiguity", row.position, what)
        if last is not None and row.recorded_at < last.recorded_at:
            faults.add("contiguity", row.position, f"stream {row.stream}: recorded too early")
        known = self._versions.get(row.stream, 0 if self._is_from_first else None)
        self._versions[row.stream] = row.version
        is_counted = not is_part and OURS.fullmatch(row.topic) is not None
        if known is not None and is_counted and row.version != known + 1:
            what = f"stream {row.stream}: version {row.version} instead of {known + 1}"
            faults.add("contiguity", row.position, what)

    def _compare(self, row: ExportRow) -> None:
        """Hold the tree against the checkpoints signed on the way, and the one outside."""
        if row.note is not None and not self._is_astray:
            way = read_note(row.note, ())
            if (way.size, way.root) != (self.tree.size, self.tree.root()):
                self._is_astray = True
                what = f"rows {self.signed + 1} to {row.position} are not what was signed there"
                if not read_note(row.note, self.keys).is_signed:
                    what = "a checkpoint on the way is forged"
                self.faults.add("tree", row.position, what)
            self.signed = row.position
        outside = self.outside
        is_there = outside is not None and outside.size == self.tree.size
        if outside is not None and is_there and outside.root != self.tree.root():
            what = f"the first {outside.size} rows are not those that were seen outside"
            self.faults.add("outside", row.position, what)

    def _end_command(self) -> None:
        rows, self._command = self._command, []
        try:
            check_command(self.ledger, CommandRows(rows))
        except Exception as error:  # noqa: BLE001 -- a log that was tampered with may hold anything
            why = f"{type(error).__name__}: {error}"[:WHY_MAX]
            what = f"stream {rows[0].stream}: not of its shape ({why})"
            self.faults.add("format", rows[0].position, what)

    def _end_outside(self, last: int) -> None:
        outside = self.outside
        if outside is None:
            self.faults.skipped["outside"] = "no --checkpoint was given"
            return
        check_outside(self.faults, outside, self.checkpoint)
        if outside.size > self.checkpoint.size:
            what = f"the log ends at {self.checkpoint.size}, and had {outside.size} rows before"
            self.faults.add("outside", last, what)
        elif not self._is_from_first or outside.size > self.tree.size:
            at = self.checkpoint
            if (outside.size, outside.root) != (at.size, at.root):
                self.faults.skipped["outside"] = "needs the rows from the first up to it"


WALKS: dict[str, type[LogVerifier] | type[AccessLogVerifier]] = {
    "gongji-export/1": LogVerifier,
    "gongji-accesses/1": AccessLogVerifier,
}
"""The forms that are known here."""


def read_head(line: str) -> JsonObject:
    """The header of an export; raises VerifyError where it is none, or of a form not known here."""
    try:
        head: JsonObject = json.loads(line)
        head["from"], head["to"] = int(head["from"]), int(head["to"])
        texts = {name: str(head[name]) for name in ("format", "checkpoint")}
        head |= texts | {"before": str(head.get("before", ""))}
        base64.b64decode(head["before"])
    except Exception as error:
        raise VerifyError("the first line is not the header of an export") from error
    if head["format"] not in WALKS:
        form = head["format"][:WHY_MAX]
        raise VerifyError(f"an export of a form that is not known here: {form}")
    return head


def verify(
    lines: Iterable[str], keys: list[VerifierKey], outside: str | None
) -> LogVerifier | AccessLogVerifier:
    """Check an export's lines; raises VerifyError where there is nothing to check."""
    source = iter(lines)
    head = read_head(next(source, ""))
    kept = read_outside(outside, keys) if outside is not None else None
    walk = WALKS[head["format"]](head, read_note(head["checkpoint"], keys), kept)
    walk.keys = keys
    if not walk.checkpoint.is_signed:
        walk.faults.add("signature", 0, "no key given signed the export's checkpoint")
    for number, line in enumerate(source, 2):
        try:
            walk.read(line)
        except Exception as error:  # noqa: BLE001 -- a line may hold anything
            what = f"line {number} is not a row ({type(error).__name__})"
            walk.faults.add("format", 0, what)
    try:
        walk.end()
    except Exception as error:  # noqa: BLE001 -- so may the header
        what = f"the end cannot be checked ({type(error).__name__})"
        walk.faults.add("format", 0, what)
    return walk


def tell(walk: LogVerifier | AccessLogVerifier) -> int:
    """Print every check and every fault; the exit status."""
    print(f"log {walk.checkpoint.origin}, signed over {walk.checkpoint.size} rows")
    print(f"export of {walk.rows} rows from position {walk.head['from']} to {walk.head['to']}")
    for check, meaning in walk.checks.items():
        faults = walk.faults.of(check)
        if check in walk.faults.skipped and not faults:
            print(f"-     {check}: not checked, {walk.faults.skipped[check]}")
            continue
        print(f"{'FAULT' if faults else 'ok   '} {check}: {meaning}")
        for fault in faults[:SHOWN_MAX]:
            where = f"position {fault.position}" if fault.position else "the export"
            print(f"      {where}: {fault.what}")
        if len(faults) > SHOWN_MAX:
            print(f"      and {len(faults) - SHOWN_MAX} more")
    for topic, count in sorted(walk.ledger.unknown.items()):
        print(f"      not checked beyond tree and contiguity: {count} of {topic}")
    print("FAULTS FOUND" if walk.faults.found else "everything that was checked holds")
    return 1 if walk.faults.found else 0


def read_keys(stated: list[str]) -> list[VerifierKey]:
    """Keys from what was given: the keys themselves, or files with one a line."""
    texts = [Path(one).read_text("utf-8") if Path(one).is_file() else one for one in stated]
    keys = [read_key(line) for text in texts for line in text.split()]
    if not keys:
        raise VerifyError("no key was given")
    return keys


def main(arguments: list[str]) -> int:
    """Check an export; the exit status."""
    made = argparse.ArgumentParser(prog="gongji verify", description="Check an export offline.")
    made.add_argument("export", metavar="EXPORT", help="a file of `gongji export`; - reads stdin")
    made.add_argument("--key", action="append", required=True, metavar="PUBKEY")
    made.add_argument("--checkpoint", type=Path, metavar="FILE", help="kept outside the service")
    options = made.parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a log may hold any character
    try:
        keys = read_keys(options.key)
        outside = options.checkpoint.read_text("utf-8") if options.checkpoint else None
        if options.export == "-":
            return tell(verify(sys.stdin, keys, outside))
        with Path(options.export).open(encoding="utf-8") as lines:
            return tell(verify(lines, keys, outside))
    except (VerifyError, OSError, ValueError) as error:
        print(f"gongji verify: {error}", file=sys.stderr)
        return 2
    except Exception as error:  # noqa: BLE001 -- whatever a file holds, it ends with a verdict
        print(f"gongji verify: not an export ({type(error).__name__})", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
