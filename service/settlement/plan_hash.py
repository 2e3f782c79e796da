"""A quote's plan hash: opaque to the caller, and compared with the settlement that follows.

base64url over issue time (8 bytes, microseconds), claim digest (16), plan digest (16) and a
keyed digest of these (16). The plan covers payers, amounts and editions, not versions or
balances: a change in the family matters only if it changes who pays what.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import NamedTuple

from msgspec import json

from aggregates.account.insurance_year import first_day, insurance_year
from aggregates.refusals import ClaimChangedError, InputRefusedError, QuoteExpiredError
from aggregates.settlement.settlement import ClaimSplit
from aggregates.vocabulary import BEIJING, Instant
from service.vault import Vault

PART = 16
SIZE = 8 + 3 * PART


class PlanHashInvalidError(InputRefusedError):
    """The plan hash was not made by this ledger."""


class Plan(NamedTuple):
    """When a plan was made (microseconds since 1970), and the digests of its claim and itself."""

    at_us: int
    claim: bytes
    digest: bytes


def plan_digest(claim_split: ClaimSplit) -> bytes:
    """The digest of who pays what under which editions.

    The patient stands under his own account also where he has none to pay from: his first credit
    changes the plan only if it changes what is paid.
    """
    split, patient = claim_split.split, claim_split.claim.beneficiary
    paid = [
        [share.account or patient, share.current_fen + share.prior_fen] for share in split.payers
    ]
    editions = sorted(claim_split.editions.items())
    return hashlib.sha256(json.encode([paid, split.cash_fen, editions])).digest()


def plan_hash(vault: Vault, plan: Plan) -> str:
    """The plan as 75 characters of base64url."""
    body = plan.at_us.to_bytes(8) + plan.claim[:PART] + plan.digest[:PART]
    return base64.urlsafe_b64encode(body + vault.sign(body)[:PART]).decode().rstrip("=")


def expires_at(issued: Instant, ttl_s: int, year_days: Collection[str]) -> datetime:
    """The last moment of a plan: the end of its time to live or, if earlier, of its year.

    `year_days` are the days MM-DD on which the insurance years of its payers begin.
    """
    on = issued.on
    new_year = min(first_day(insurance_year(on, begins) + 1, begins) for begins in year_days)
    turns_at = datetime.combine(new_year, time(), BEIJING)
    return min(issued.at + timedelta(seconds=ttl_s), turns_at - timedelta(milliseconds=1))


def is_same_plan(
    vault: Vault, quoted: str, now: Plan, ttl_s: int, year_days: Collection[str]
) -> bool:
    """Whether the plan that was quoted is the plan now; `year_days` as for `expires_at`.

    Raises:
        PlanHashInvalidError: not made by this ledger; QuoteExpiredError: older than `ttl_s`
        (S50), or of another insurance year, with other buckets and caps (policy.md §3.3);
        ClaimChangedError: for another claim (S52). Checked in this order.
    """
    try:
        raw = base64.urlsafe_b64decode(quoted + "=" * (-len(quoted) % 4))
    except (binascii.Error, ValueError) as error:
        raise PlanHashInvalidError(field="plan_hash") from error
    body, mac = raw[:-PART], raw[-PART:]
    if len(raw) != SIZE or not hmac.compare_digest(mac, vault.sign(body)[:PART]):
        raise PlanHashInvalidError(field="plan_hash")
    issued_us = int.from_bytes(body[:8])
    if now.at_us - issued_us > ttl_s * 1_000_000 or _years(issued_us, year_days) != _years(
        now.at_us, year_days
    ):
        raise QuoteExpiredError
    if body[8 : 8 + PART] != now.claim[:PART]:
        raise ClaimChangedError
    return body[8 + PART :] == now.digest[:PART]


def _years(at_us: int, year_days: Collection[str]) -> list[int]:
    """The insurance years of a moment in Beijing, by their first days."""
    on = datetime.fromtimestamp(at_us // 1_000_000, BEIJING).date()
    return [insurance_year(on, begins) for begins in year_days]
