"""The kinds of signals for auditors (policy.md §6.4), the rules' thresholds, and signals."""

from enum import StrEnum
from typing import NamedTuple

from aggregates.vocabulary import StreamId


class SignalKind(StrEnum):
    """The patterns that auditors look for."""

    FAMILY_BURST = "FAMILY_BURST"
    DRAINED_BINDING = "DRAINED_BINDING"
    SPONSOR_HUB = "SPONSOR_HUB"
    BENEFICIARY_CHURN = "BENEFICIARY_CHURN"
    AFTER_DEATH = "AFTER_DEATH"
    JUST_UNDER_CAP = "JUST_UNDER_CAP"
    EXACT_BALANCE = "EXACT_BALANCE"
    QUICK_REFUND = "QUICK_REFUND"
    NIGHT_HOURS = "NIGHT_HOURS"
    AID_SHARE = "AID_SHARE"
    KINSHIP_CONTRADICTION = "KINSHIP_CONTRADICTION"
    LENT_CREDENTIAL = "LENT_CREDENTIAL"
    CREDENTIAL_MISMATCH = "CREDENTIAL_MISMATCH"


class Threshold(NamedTuple):
    """The numbers of a rule, and their source with its grade."""

    numbers: dict[str, int]
    source: str


OWN = "policy.md 6.4 (own)"
LIMITS: dict[SignalKind, Threshold] = {
    SignalKind.FAMILY_BURST: Threshold(
        {"patients": 3, "minutes": 10}, "policy.md 6.4, Shanghai Xuhui 2025 (B); numbers own"
    ),
    SignalKind.DRAINED_BINDING: Threshold({"percent": 90, "days": 30}, OWN),
    SignalKind.SPONSOR_HUB: Threshold({"sponsors": 5}, OWN),
    SignalKind.BENEFICIARY_CHURN: Threshold({"beneficiaries": 5, "days": 730}, OWN),
    SignalKind.AFTER_DEATH: Threshold({"settlements": 1}, "policy.md 6.4, NHSA cases (A)"),
    SignalKind.JUST_UNDER_CAP: Threshold({"times": 3, "percent": 95, "days": 30}, OWN),
    SignalKind.EXACT_BALANCE: Threshold({"times": 3, "days": 30}, OWN),
    SignalKind.QUICK_REFUND: Threshold({"times": 3, "hours": 24, "days": 30}, OWN),
    SignalKind.NIGHT_HOURS: Threshold({"times": 3, "from_hour": 23, "to_hour": 5, "days": 30}, OWN),
    SignalKind.AID_SHARE: Threshold(
        {"percent": 60, "times_peers": 3, "bills": 20, "peers": 3},
        "policy.md 6.4, Taiyuan pharmacy analysis (code); numbers own",
    ),
    SignalKind.KINSHIP_CONTRADICTION: Threshold(
        {"parents": 2, "spouses": 1}, "policy.md 6.4, Tai'an (B); numbers own"
    ),
    SignalKind.LENT_CREDENTIAL: Threshold(
        {"displays": 6, "days": 90}, "policy.md 6.3, 实施细则 2026-04-01 (B); numbers own"
    ),
    SignalKind.CREDENTIAL_MISMATCH: Threshold({"attempts": 1}, "policy.md 8.8 S101"),
}
"""The numbers are data; after a change `./gongji rebuild signals` evaluates the log again."""


class Signal(NamedTuple):
    """A pattern worth a look, with its evidence. `figures` are integers, in fen where named so."""

    kind: SignalKind
    position: int
    accounts: tuple[StreamId, ...]
    settlements: tuple[StreamId, ...]
    places: tuple[StreamId, ...]
    positions: tuple[int, ...]
    figures: dict[str, int]
