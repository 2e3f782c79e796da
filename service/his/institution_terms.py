"""An institution's terms in the national protocol: its dialect, and how it signs.

Terms are read from the log and cached for a second, so that a message needs no look-up of its
own. An unknown institution, or one without a signature style, needs a bearer token of the service.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from aggregates.institution import FIRST_DIALECT, Dialect, Institution
from aggregates.vocabulary import Instant, InstitutionStatus, SignatureStyle, StreamId
from service.caller import institution
from service.clock import monotonic_s
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.vault import Vault

CACHED_MAX = 10_000
CACHED_S = 1.0


@dataclass(frozen=True, slots=True)
class Terms:
    """An institution's dialect, and how it signs; no style means a bearer token.

    `region` is its pooling area, "" for an institution that nobody designated. `is_in_force` says
    whether its agreement is.
    """

    dialect: Dialect = FIRST_DIALECT
    region: str = ""
    is_in_force: bool = False
    style: SignatureStyle | None = None
    paasid: str = ""
    secret: str = field(default="", repr=False)


class CachedTerms(NamedTuple):
    """Cached terms: when they were read, in seconds, and at which version of the institution."""

    read_s: float
    terms: Terms
    stream: StreamId | None
    version: int


class TermsBook:
    """Every institution's terms, by its code."""

    def __init__(self, context: ServiceContext) -> None:
        self._context = context
        self._cache: OrderedDict[str, CachedTerms] = OrderedDict()

    async def of(self, code: str) -> Terms:
        """An institution's terms, at most a second old.

        Raises:
            OverloadedError, StoreUnavailableError: as `Appender.submit`.
        """
        now_s = monotonic_s()
        cached = self._cache.get(code)
        if cached is not None and cached.read_s > now_s - CACHED_S and self._is_newest(cached):
            return cached.terms
        terms, stream, version = await self._read(code)
        self._cache[code] = CachedTerms(now_s, terms, stream, version)
        self._cache.move_to_end(code)
        if len(self._cache) > CACHED_MAX:
            self._cache.popitem(last=False)
        return terms

    def _is_newest(self, cached: CachedTerms) -> bool:
        """Whether this process has seen no newer version; another's writes show after a second."""
        if cached.stream is None:
            return False
        return self._context.appender.last_seen(cached.stream) in (None, cached.version)

    async def _read(self, code: str) -> tuple[Terms, StreamId | None, int]:
        vault = self._context.vault
        name = vault.name("institution", code)

        def query(reads: ReadSet, _: Instant) -> tuple[Terms, StreamId | None, int]:
            stream = reads.find(name)
            if stream is None:
                return Terms(), None, 0
            return _terms(vault, stream, reads.institution(stream)), stream, reads.version(stream)

        return await self._context.read(institution(code), query)


def _terms(vault: Vault, stream: StreamId, state: Institution) -> Terms:
    signature = state.signature
    place = (state.dialect, state.region, state.status is InstitutionStatus.ACTIVE)
    if signature is None:
        return Terms(*place)
    secret = "" if state.sealed is None else vault.unseal_secret(state.sealed, stream)
    return Terms(*place, signature.style, signature.paasid or "", secret)
