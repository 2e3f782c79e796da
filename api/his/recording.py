"""Records what a message was like, as far as its fields, clock, numbers and dialect show it.

Only messages of institutions that proved who they are leave names of fields. A failed signature
is counted by its code alone, because anybody can send one in an institution's name.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from aggregates.vocabulary import AccountFlag
from api.his.deviations import deviations
from api.his.forwarding import KNOWN
from api.his.wire.envelope import RequestHead
from api.his.wire.field_tables import TRANSACTIONS, Transaction
from api.his.wire.findings import Found, Note, place_of, safe_name
from service.his.findings import MESSAGE, FindingsBook
from service.his.institution_terms import Terms
from service.his.messages import CODE_SIZE, is_national
from service.visit.bill_facts import Dialect

CLOCK_OFF, SIGNED_OFF_S = timedelta(minutes=5), 60.0
"""How far a client's clock may be off before it is told: `inf_time`, and a signature's time."""
REFUSALS = frozenset(
    {
        *("FIELD_REQUIRED", "FIELD_INVALID", "AMOUNT_FORMAT", "DATE_INVALID", "TOO_MANY_LINES"),
        *("JSON_INVALID", "JSON_TOO_DEEP", "FILE_INVALID", "PERSON_NAMED", "INFNO_UNKNOWN"),
        "IDEMPOTENCY_KEY_REUSED",
    }
)
"""Refusals for the form of a message."""
UNSIGNED = frozenset(
    {"SIGNATURE_INVALID", "SIGNATURE_ALG", "CLOCK_SKEW", "NONCE_REPLAYED", "SM2_NOT_INSTALLED"}
)
"""Refusals of a signature."""
NO_INFNO, OTHER_INFNO, DOWNLOAD = "-", "other", "GET"
FLAG = "acct_used_flag"
FLAGS = (None, "0", "00", "1", "01", "2", "02")
ALL = "2"


def record(
    book: FindingsBook, head: RequestHead, found: Found, refusal: tuple[str, str], now: datetime
) -> None:
    """Count a message of an authenticated institution, refused with a code and a field, or not."""
    code, field = refusal
    if code in REFUSALS:
        found.note(code, safe_name(field) if field and code != "INFNO_UNKNOWN" else "")
    is_known = head.infno in TRANSACTIONS or head.infno in KNOWN
    infno = head.infno if is_known else OTHER_INFNO
    facts = ((_kind(infno, *fact), fact[1]) for fact in found.facts)
    book.add(head.institution, infno, [(MESSAGE, ""), *facts], now)


def record_unsigned(
    book: FindingsBook, institution: str, terms: Terms, code: str, now: datetime
) -> None:
    """Count a message whose signature was refused, in the name of a designated institution."""
    if terms.region and code in UNSIGNED:
        book.add(institution, NO_INFNO, [(code, "")], now)


def _kind(infno: str, kind: str, place: str) -> str:
    """A member that only the published tables have is none that nobody knows."""
    is_published = kind == "unknown_member" and place in published_only().get(infno, ())
    return "unread_member" if is_published else kind


@lru_cache(maxsize=1)
def published_only() -> Mapping[str, frozenset[str]]:
    """The places, by transaction, that the published tables have and the service does not read."""
    return {infno: frozenset(_places(infno, "left out")) for infno in TRANSACTIONS}


@lru_cache(maxsize=1)
def looked_at() -> Mapping[tuple[str, str], tuple[tuple[str, str, bool], ...]]:
    """The fields to look at, by transaction and node: name, place, and whether it is expected.

    The published tables require an expected field, and the service does not.
    """
    found: dict[tuple[str, str], tuple[tuple[str, str, bool], ...]] = {}
    for infno, transaction in TRANSACTIONS.items():
        expected = frozenset(_places(infno, "optional"))
        for node in transaction.takes:
            places = ((f.name, place_of(node.name, f.name)) for f in node.fields)
            rows = ((name, place, place in expected) for name, place in places)
            found[infno, node.name] = tuple(row for row in rows if row[0] == FLAG or row[2])
    return found


def _places(infno: str, what: str) -> Iterator[str]:
    for row in deviations()[infno]:
        if (row.side, row.what) == ("in", what):
            node = row.node.replace("[]", "")
            yield from [f"{node}.{field}" for field in row.fields] or [node]


def look_at_head(head: RequestHead, now: datetime, note: Note) -> None:
    """Note the form of a message's number, and its clock against the business clock."""
    if head.msgid == DOWNLOAD:
        return
    if not is_national(head.msgid):
        note("msgid_form", "")
    elif head.msgid[:CODE_SIZE].rstrip("0") != head.institution[:CODE_SIZE].rstrip("0"):
        note("msgid_other", "")
    if head.sent_at is not None and abs(head.sent_at - now) > CLOCK_OFF:
        note("clock", "")


def look_at_signature(signed_s: float | None, now_s: float, note: Note) -> None:
    """Note a signature's time that is off, though within what its style allows."""
    if signed_s is not None and abs(signed_s - now_s) > SIGNED_OFF_S:
        note("signature_clock", "")


def look_at_input(
    transaction: Transaction, sent: Mapping[str, Any], dialect: Dialect, note: Note
) -> None:
    """Note what the published tables require and was not sent, and a flag of another dialect."""
    for node in transaction.takes:
        rows: Iterable[Mapping[str, Any]] = sent[node.name] if node.is_list else [sent[node.name]]
        for name, place, is_expected in looked_at()[transaction.infno, node.name]:
            values = [row[name] for row in rows]
            if is_expected and None in values:
                note("left_out", place)
            if name == FLAG:
                _look_at_flags(set(values), place, dialect, note)


def _look_at_flags(flags: set[str | None], place: str, dialect: Dialect, note: Note) -> None:
    if not flags <= set(FLAGS):
        note("flag_unknown", place)
    if dialect.acct_used_flag is AccountFlag.NATIONAL and any((f or "")[-1:] == ALL for f in flags):
        note("flag_of_hunan", place)
