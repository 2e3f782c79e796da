"""The connection check: what an institution's messages show of its client, and what to make of it.

Every area of `findings.toml` has a row with a verdict. A row without findings is sound. Counts are
of messages; `since` leaves out what was seen last before it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

from aggregates.vocabulary import BEIJING
from api.his.deviations import read_toml
from service.his.findings import MESSAGE, FindingCount

VERDICTS = ("sound", "tolerated", "misread")
"""From the best to the worst."""
UNSEEN = "unseen"
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)
SOUND = "没有发现问题。", "Nothing was found."
WORDS = {
    "sound": "正常 sound",
    "tolerated": "容忍 tolerated",
    "misread": "误读或拒绝 misread",
    UNSEEN: "没有收到报文 unseen",
}


class FindingKind(NamedTuple):
    """A kind of finding: its area, its verdict, and a sentence in both languages."""

    area: str
    verdict: str
    zh: str
    en: str


@lru_cache(maxsize=1)
def kinds() -> dict[str, FindingKind]:
    """Every kind by its name."""
    return {name: FindingKind(*row) for name, row in read_toml("findings.toml")["kinds"].items()}


def check_of(institution: str, found: Iterable[FindingCount]) -> dict[str, Any]:
    """The check of an institution, as it is answered."""
    rows = list(found)
    messages = sum(row.messages for row in rows if row.kind == MESSAGE)
    facts = [row for row in rows if row.kind in kinds()]
    last = max((row.last_at for row in rows), default=None)
    areas = [
        _area(name, titles, facts) for name, titles in read_toml("findings.toml")["areas"].items()
    ]
    return {
        "institution": institution,
        "messages": messages,
        "last_at": None if last is None else _written(last),
        "verdict": _worst(area["verdict"] for area in areas) if rows else UNSEEN,
        "areas": areas if rows else [],
    }


def _area(name: str, titles: Sequence[str], facts: Iterable[FindingCount]) -> dict[str, Any]:
    findings = [
        {
            "verdict": kind.verdict,
            "kind": row.kind,
            "infno": row.infno,
            "place": row.place,
            "messages": row.messages,
            "last_at": _written(row.last_at),
            "zh": kind.zh,
            "en": kind.en,
        }
        for row in facts
        if (kind := kinds()[row.kind]).area == name
    ]
    return {
        "area": name,
        "zh": titles[0],
        "en": titles[1],
        "verdict": _worst(str(finding["verdict"]) for finding in findings),
        "findings": findings,
    }


def moment_of(text: str) -> datetime:
    """A time as in RFC 3339; without a zone it is Beijing's.

    Raises:
        ValueError: it is no time.
    """
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=BEIJING)


def _written(moment: datetime) -> str:
    return moment.astimezone(BEIJING).isoformat(timespec="seconds")


def _worst(verdicts: Iterable[str]) -> str:
    return max(verdicts, key=VERDICTS.index, default=VERDICTS[0])


def lines_of(check: dict[str, Any]) -> Iterator[str]:
    """A check as text."""
    yield (
        f"{check['institution']}: {check['messages']} 条报文 messages,"
        f" {check['last_at'] or '-'}: {WORDS[check['verdict']]}"
    )
    for area in check["areas"]:
        yield f"{area['zh']} {area['en']}: {WORDS[area['verdict']]}"
        if not area["findings"]:
            yield f"  {SOUND[0]} {SOUND[1]}"
        for kind in dict.fromkeys(finding["kind"] for finding in area["findings"]):
            rows = [finding for finding in area["findings"] if finding["kind"] == kind]
            yield f"  [{kinds()[kind].verdict}] {rows[0]['zh']}"
            yield f"    {rows[0]['en']}"
            for row in rows:
                yield f"    {row['infno']} {row['place']} ×{row['messages']} {row['last_at']}"
