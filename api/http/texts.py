"""The texts of `texts.toml`, in Chinese and English."""

import tomllib
from pathlib import Path
from typing import NamedTuple

from aggregates.vocabulary import Reason
from service.bilingual import Bilingual


class ProblemText(NamedTuple):
    """A problem's HTTP status, and its sentence in Chinese and English."""

    status: int
    zh: str
    en: str


_CATALOGUE = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
PROBLEM_TEXTS = {code: ProblemText(**row) for code, row in _CATALOGUE["problems"].items()}
"""By code; the national protocol shows the Chinese alone."""
REASON_TEXTS = {Reason(code): Bilingual(**row) for code, row in _CATALOGUE["reasons"].items()}
"""Why a payer gave nothing."""
ADVICE_TEXTS = {kind: Bilingual(**row) for kind, row in _CATALOGUE["advice"].items()}
"""What to do after a problem."""
