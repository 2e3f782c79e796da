"""How an institution speaks the national protocol: its dialect, and how it signs.

Until an institution says otherwise it reads contained aid, amounts as numbers and the national
result codes, and proves itself with a bearer token.
"""

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter


class MulaidMode(StrEnum):
    """Whether `acct_pay` contains the aid, or stands beside it."""

    CONTAINED = "contained"
    BESIDE = "beside"


class SignStyle(StrEnum):
    """How requests are signed; NONE is for a closed network, BEARER for a token of ours."""

    X_TIF = "x-tif"
    CSB = "csb"
    X_CA = "x-ca"
    BEARER = "bearer"
    NONE = "none"


class StmtResults(StrEnum):
    """In which codes a comparison answers."""

    NATIONAL = "national"
    HUBEI = "hubei"


class Dialect(BaseModel):
    """How an institution's client reads money."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mulaid_mode: MulaidMode = MulaidMode.CONTAINED
    fund_includes_acct: bool = False
    numbers: bool = True
    stmt_rslt: StmtResults = StmtResults.NATIONAL


class Signature(BaseModel):
    """How an institution signs. The secret is never shown, logged or told."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    style: SignStyle = SignStyle.BEARER
    paasid: str = ""
    secret: str = ""


class Terms(BaseModel):
    """An institution's dialect and signature."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    dialect: Dialect = Dialect()
    signature: Signature = Signature()


USUAL = Terms()
_FILE = TypeAdapter(dict[str, Terms])


class TermsBook:
    """Every institution's terms, by its code."""

    def __init__(self, terms: Mapping[str, Terms] | None = None) -> None:
        """Know these; everybody else has the usual ones."""
        self._terms = dict(terms or {})

    async def of(self, code: str) -> Terms:
        """An institution's terms."""
        return self._terms.get(code, USUAL)

    def learn(self, terms: Mapping[str, Terms]) -> None:
        """Know these from now on."""
        self._terms |= terms


def load_terms(path: Path | None) -> TermsBook:
    """The terms of a JSON file, from institution codes to `dialect` and `signature`.

    Raises:
        OSError, ValueError: it cannot be read, or is not of that shape.
    """
    if path is None:
        return TermsBook()
    return TermsBook(_FILE.validate_python(json.loads(path.read_text(encoding="utf-8"))))
