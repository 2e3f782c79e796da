"""What the pooled fund pays of a bill: by a stand-in table, or as a region's core system answers.

Sponsors' data never reaches this computation (policy.md R311): it gets the patient's insurance,
the institution and the fee lines.
"""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_jsonable_python

from aggregates.pooled_fund import WHOLE, Cover, FundShare, LineShare, PricedCode, price, share
from aggregates.settlement.events import FeeLine
from aggregates.visit import Fee
from aggregates.vocabulary import Category, InstitutionKind, Insurance, Part, Setting
from service.adapters.http_client import http_client
from service.ledger.store import StoreUnavailableError
from service.regions.areas import province_of

TABLE = Path(__file__).parent / "funds.toml"
DEFAULT = "default"
GRADE_OWN = "3"
"""The grade that the patient pays whole (丙类)."""
TIMEOUT_S = 5.0
OLD = 60
"""The age in years from which the stand-in table pays more."""


class FundUnavailableError(StoreUnavailableError):
    """The region's core system did not answer, or its answer is not sound; nothing was applied."""


class CoverRequest(NamedTuple):
    """A bill whose fund part is requested.

    `level` is the hospital's, "1" to "3", or "" if it is not known; `age` is the patient's in
    years, None without an ID number.
    """

    region: str
    insurance: Insurance
    kind: InstitutionKind
    setting: Setting
    med_type: str
    fees: tuple[Fee, ...]
    level: str = ""
    age: int | None = None


class CoverTerms(NamedTuple):
    """A row of the stand-in table: amounts in fen, ratios in thousandths."""

    start_fen: int
    ratio_permille: int
    ceiling_fen: int
    by_level: Mapping[str, int]
    from_60_permille: int

    def cover(self, level: str, age: int | None) -> Cover:
        """The cover for a hospital's level and a patient's age (seed R306)."""
        ratio = self.by_level.get(level, self.ratio_permille)
        if age is not None and age >= OLD:
            ratio += self.from_60_permille
        return Cover(self.start_fen, min(ratio, WHOLE), self.ceiling_fen)


NO_COVER = CoverTerms(0, 0, 0, {}, 0)


class FundTable(NamedTuple):
    """The stand-in: terms by region, class and setting, and the price list of prefixes."""

    terms: Mapping[tuple[str, str, str], CoverTerms]
    catalogue: tuple[PricedCode, ...]

    def share(self, request: CoverRequest) -> FundShare:
        """The fund's part of a bill by the region's table, or the default one."""
        place = (request.kind.value, request.setting.value.lower())
        regions = (request.region, province_of(request.region), DEFAULT)
        rows = (self.terms.get((region, *place)) for region in regions)
        terms = next((row for row in rows if row is not None), NO_COVER)
        return share(request.fees, self.catalogue, terms.cover(request.level, request.age))

    def price(self, fee: Fee) -> LineShare:
        """Divide a fee line by the price list."""
        return price(fee, self.catalogue)


@lru_cache(maxsize=4)
def load_table(path: Path = TABLE) -> FundTable:
    """Read the table from a TOML file."""
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    rows = {
        (region, kind, setting): CoverTerms(
            _thousandths(terms["start_line"]) // 10,
            _thousandths(terms["ratio"]),
            _thousandths(terms["ceiling"]) // 10,
            {level: _thousandths(ratio) for level, ratio in terms.get("by_level", {}).items()},
            _thousandths(terms.get("from_60", "0")),
        )
        for region, kinds in table["cover"].items()
        for kind, settings in kinds.items()
        for setting, terms in settings.items()
    }
    catalogue = tuple(
        PricedCode(
            row["prefix"], Category(row["category"]), row["grade"], _thousandths(row["first"])
        )
        for row in table["catalogue"]
    )
    return FundTable(rows, catalogue)


def _thousandths(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 1000 + int(part.ljust(3, "0")[:3])


class CorePart(BaseModel):
    """A part of the personal burden in a core system's answer, in fen."""

    model_config = ConfigDict(extra="ignore", strict=True)

    category: str
    part: Literal["in_scope", "pre_self_pay", "over_limit", "full_self_pay", "start"]
    amount_fen: int


class CoreAnswer(BaseModel):
    """A core system's answer: the fund's part and the rest by part, in fen."""

    model_config = ConfigDict(extra="ignore", strict=True)

    fund_fen: int
    personal: list[CorePart]


class CoreSystem:
    """A region's core system over HTTP; `client` may carry its certificates."""

    def __init__(self, url: str, client: httpx.AsyncClient | None = None) -> None:
        """Post requests to `url`."""
        self._url = url
        self._client = client or http_client(TIMEOUT_S)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def share(self, request: CoverRequest) -> FundShare:
        """The fund's part as the core system answers.

        Raises:
            FundUnavailableError: no answer in time, or one that does not add up.
        """
        body = to_jsonable_python(request._asdict())
        try:
            response = await self._client.post(self._url, json=body)
            response.raise_for_status()
            answer = CoreAnswer.model_validate_json(response.content)
            lines = tuple(map(_line, answer.personal))
        except (httpx.HTTPError, ValidationError, ValueError) as error:
            raise FundUnavailableError(type(error).__name__) from error
        amounts = [answer.fund_fen, *(line.amount_fen for line in lines)]
        total = sum(fee.amount_fen for fee in request.fees)
        if min(amounts) < 0:
            raise FundUnavailableError("negative")
        if sum(amounts) != total:
            raise FundUnavailableError("does not add up")
        start = sum(part.amount_fen for part in answer.personal if part.part == "start")
        return FundShare(total, answer.fund_fen, start, lines)


def _line(part: CorePart) -> FeeLine:
    category = Category(part.category)
    kind = Part.IN_SCOPE if part.part == "start" else Part(part.part)
    return FeeLine(
        line=f"{category}.{part.part}", category=category, part=kind, amount_fen=part.amount_fen
    )


class Funds:
    """The core systems by region code, and the table for all other regions."""

    def __init__(self, table: FundTable, cores: Mapping[str, CoreSystem] | None = None) -> None:
        self.table = table
        self._cores = dict(cores or {})

    @property
    def has_cores(self) -> bool:
        """Whether any region has a core system."""
        return bool(self._cores)

    def core_of(self, region: str) -> CoreSystem | None:
        """The region's core system, if it has one."""
        return self._cores.get(region)

    async def close(self) -> None:
        """Close the connections."""
        for core in self._cores.values():
            await core.close()


def cores_of(setting: str | None) -> dict[str, CoreSystem]:
    """Core systems from a setting such as `542500=http://core/share,350000=…`."""
    pairs = (entry.partition("=") for entry in (setting or "").split(",") if entry.strip())
    return {region.strip(): CoreSystem(url.strip()) for region, _, url in pairs}
