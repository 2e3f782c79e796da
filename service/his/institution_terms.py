"""How an institution speaks the national protocol: its dialect, and how it signs.

Read from the log and remembered for a second, so that a message costs no look-up of its own.
Who is not known here, or never said how it signs, proves itself with a bearer token of ours.
"""

from collections import OrderedDict
from typing import NamedTuple

from typing_extensions import override

from aggregates.institution import Dialect, Institution
from aggregates.vocabulary import Instant, MulaidMode, SignatureStyle, StatementWords, StreamId
from service.caller import institution
from service.clock import monotonic_s
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.vault import Vault

REMEMBERED_MAX = 10_000
REMEMBERED_S = 1.0
USUAL = Dialect(
    mulaid_mode=MulaidMode.CONTAINED,
    fund_includes_acct=False,
    numbers=True,
    stmt_rslt=StatementWords.NATIONAL,
)


class Terms(NamedTuple):
    """An institution's dialect, and how it signs; no style means a bearer token."""

    dialect: Dialect = USUAL
    style: SignatureStyle | None = None
    paasid: str = ""
    secret: str = ""

    @override
    def __repr__(self) -> str:
        """Everything but the secret."""
        return f"Terms({self.dialect!r}, {self.style!r}, {self.paasid!r})"


class CachedTerms(NamedTuple):
    """Terms that were read: when, in seconds, and of which version of the institution."""

    read_s: float
    terms: Terms
    stream: StreamId | None
    version: int


class TermsBook:
    """Every institution's terms, by its code."""

    def __init__(self, context: ServiceContext) -> None:
        """Read them from a house's log."""
        self._context = context
        self._known: OrderedDict[str, CachedTerms] = OrderedDict()

    async def of(self, code: str) -> Terms:
        """An institution's terms, at most a second old.

        Raises:
            OverloadedError, StoreUnavailableError: as `Appender.submit`.
        """
        now_s = monotonic_s()
        known = self._known.get(code)
        if known is not None and known.read_s > now_s - REMEMBERED_S and self._is_newest(known):
            return known.terms
        terms, stream, version = await self._read(code)
        self._known[code] = CachedTerms(now_s, terms, stream, version)
        self._known.move_to_end(code)
        if len(self._known) > REMEMBERED_MAX:
            self._known.popitem(last=False)
        return terms

    def _is_newest(self, known: CachedTerms) -> bool:
        """Whether this process has seen nothing newer; what another one wrote is told in time."""
        if known.stream is None:
            return False
        return self._context.appender.last_seen(known.stream) in (None, known.version)

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
    if signature is None:
        return Terms(state.dialect)
    secret = "" if state.sealed is None else vault.unseal_secret(state.sealed, stream)
    return Terms(state.dialect, signature.style, signature.paasid or "", secret)
