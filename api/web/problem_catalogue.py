"""Every problem with what to do about it: the catalogue at `/problems`.

Whether a key is used up follows the contract: a rule's refusal is stored and repeated, and every
other problem leaves the key free.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from api.http.problems import CODES
from api.http.texts import ADVICE_TEXTS, PROBLEM_TEXTS, ProblemText
from service import RuleRefusedError
from service.bilingual import Bilingual

OF_CODE = {
    "REQUEST_TIMEOUT": "wait",
    "NOT_SEALED_YET": "wait",
    "REPLAY_RUNNING": "wait",
    "REHEARSAL_RUNNING": "wait",
    "CENTRE_SILENT": "ask_centre",
    "CENTRE_ANSWER_INVALID": "ask_centre",
}
"""Advice for single codes."""
OF_STATUS = {
    401: "identify",
    403: "permit",
    404: "look",
    429: "wait",
    500: "report",
    501: "report",
    503: "wait",
}
"""Advice for the other problems by their status; the rest is corrected and sent again."""
UNKNOWN = frozenset(code for _, code, outcome in CODES if outcome == "unknown")


class Entry(NamedTuple):
    """A problem, whether its key is used up, and what to do.

    `outcome` is `not_applied`, or `unknown` where the change may have been applied.
    """

    code: str
    text: ProblemText
    outcome: str
    is_key_used: bool
    advice: Bilingual

    @property
    def name(self) -> str:
        """The code as in the address of its page."""
        return self.code.lower().replace("_", "-")


@lru_cache(maxsize=1)
def catalogue() -> dict[str, Entry]:
    """Every problem by its name, in the order of the texts."""
    decided = {kind.code() for kind in _below(RuleRefusedError)}
    entries = (_entry(code, text, decided) for code, text in PROBLEM_TEXTS.items())
    return {entry.name: entry for entry in entries}


def _entry(code: str, text: ProblemText, decided: set[str]) -> Entry:
    is_decided = code in decided
    kind = OF_CODE.get(code) or OF_STATUS.get(text.status, "mend")
    if is_decided:
        kind = "decided"
    elif code in UNKNOWN:
        kind = "ask_again"
    is_unknown = kind in ("ask_again", "ask_centre")
    outcome = "unknown" if is_unknown else "not_applied"
    return Entry(code, text, outcome, is_decided, ADVICE_TEXTS[kind])


def _below(kind: type[RuleRefusedError]) -> Iterator[type[RuleRefusedError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)
