"""Limits for a caller's misses and an address's failures.

Only misses and failures are charged: a caller who asks for what exists is never limited. A
person's invitations cost the same whether the other person exists or not, so the limit reveals
nothing. Pure: the time is an input, in seconds of any origin. Memory is bounded: the bucket that
was used longest ago is dropped first.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from math import ceil

from service.caller import Caller, Role

MISSES = frozenset({"NOT_FOUND", "CREDENTIAL_MISMATCH", "CREDENTIAL_UNKNOWN", "CODE_EXPIRED"})
"""Codes of a miss: nothing of the caller's was found."""
FAILURES = frozenset({"UNAUTHENTICATED", "SIGNATURE_INVALID", "SIGNATURE_ALG"})
"""Codes of a failure: the caller is not authenticated."""
ENUMERATING = frozenset({"/v1/bindings", "/v1/credential-links", "/v1/kinships"})
"""Paths where a person names others; each POST costs a person as much as a miss."""
MINUTE_S = 60.0
BUCKETS_MAX = 100_000
IPV6_NETWORK = 64
"""Bits that one subscriber's IPv6 addresses share."""


@dataclass(slots=True)
class Buckets:
    """Token buckets, kept as the time at which each is full again (GCRA).

    `per_minute` is both the rate and the burst; 0 limits nothing.
    """

    per_minute: int
    buckets_max: int = BUCKETS_MAX
    _full_at: OrderedDict[Hashable, float] = field(default_factory=OrderedDict)
    _latest_s: float = 0.0

    def __len__(self) -> int:
        """The number of buckets in memory."""
        return len(self._full_at)

    def is_any_empty(self, now_s: float) -> bool:
        """Whether any bucket may be empty; a cheap check for every request."""
        return self.per_minute > 0 and self._latest_s > now_s + self._spare_s()

    def wait_s(self, key: Hashable, now_s: float) -> float:
        """Seconds until one more is allowed; 0 when it is allowed now."""
        if not self.is_any_empty(now_s):
            return 0.0
        return max(0.0, self._full_at.get(key, now_s) - now_s - self._spare_s())

    def charge(self, key: Hashable, now_s: float, times: int = 1) -> None:
        """Take tokens out of a bucket, also beyond empty; the wait never exceeds two minutes."""
        if self.per_minute <= 0:
            return
        full_at = max(self._full_at.pop(key, now_s), now_s) + times * self._each_s()
        self._full_at[key] = full_at = min(full_at, now_s + 2 * MINUTE_S)
        self._latest_s = max(self._latest_s, full_at)
        if len(self._full_at) > self.buckets_max:
            self._full_at.popitem(last=False)

    def _each_s(self) -> float:
        return MINUTE_S / self.per_minute

    def _spare_s(self) -> float:
        """How far from full a bucket may be that still has a whole token."""
        return MINUTE_S - self._each_s() / 2  # between two counts, so that rounding decides nothing


class RateLimits:
    """The limits of one service: persons, all other callers, and addresses that fail."""

    def __init__(self, persons: int = 60, callers: int = 1200, addresses: int = 600) -> None:
        """The numbers are misses or failures a minute; 0 is without limit."""
        self.persons = Buckets(persons)
        self.callers = Buckets(callers)
        self.addresses = Buckets(addresses)

    def is_any_empty(self, now_s: float) -> bool:
        """Whether any caller or address may have to wait."""
        return (
            self.persons.is_any_empty(now_s)
            or self.callers.is_any_empty(now_s)
            or self.addresses.is_any_empty(now_s)
        )

    def wait_of(self, caller: Caller, now_s: float) -> int:
        """Whole seconds a caller must wait; 0 for none."""
        return ceil(self._of(caller).wait_s(caller.name, now_s))

    def wait_at(self, address: Hashable, now_s: float) -> int:
        """Whole seconds that an address with failures must wait; 0 for none."""
        return ceil(self.addresses.wait_s(address, now_s))

    def charge(self, caller: Caller, codes: Mapping[str, int], now_s: float) -> None:
        """Count the misses among an answer's codes."""
        self.charge_times(caller, sum(codes[code] for code in MISSES & codes.keys()), now_s)

    def charge_times(self, caller: Caller, times: int, now_s: float) -> None:
        """Count so many misses of a caller."""
        if times:
            self._of(caller).charge(caller.name, now_s, times)

    def charge_address(self, address: Hashable, codes: Iterable[str], now_s: float) -> None:
        """Count a failure among an answer's codes."""
        if not FAILURES.isdisjoint(codes):
            self.addresses.charge(address, now_s)

    def _of(self, caller: Caller) -> Buckets:
        return self.persons if caller.role is Role.PERSON else self.callers


def address_of(client: tuple[str, int] | None) -> str:
    """The address that is counted: all of one IPv6 network count as one."""
    host = client[0] if client else ""
    if ":" not in host:
        return host
    try:
        return str(ipaddress.ip_network((host.partition("%")[0], IPV6_NETWORK), strict=False))
    except ValueError:
        return host
