"""A bill as the national interface needs it: its parts, who paid, and the patient."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.institution import Dialect
from aggregates.policy.choices import HisDisclosure
from aggregates.pooled_fund import START
from aggregates.refusals import UnknownError
from aggregates.settlement.events import FeeLine, Settled
from aggregates.vocabulary import (
    Instant,
    Insurance,
    InsuranceStatus,
    Part,
    Relation,
    SettlementStatus,
    StreamId,
)
from service.caller import Caller
from service.context import ServiceContext
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.person.masking import masked
from service.person.unsealed import personal_of
from service.policy import edition_of_record
from service.settlement.returns import own_settlement
from service.vault import Personal, Vault

__all__ = ["Dialect"]

ERASED = Personal("", "", "")
"""The personal data of an erased person."""


class Patient(NamedTuple):
    """A patient. The balance is in fen; None where the account holds no funds."""

    account: StreamId
    person: Personal
    insurance: Insurance
    standing: InsuranceStatus
    status: str
    region: str
    insured_place: str
    balance_fen: int | None


class Sponsored(NamedTuple):
    """What one sponsor paid, in fen; name and relation where the region discloses them."""

    rank: int
    amount_fen: int
    name: str | None
    relation: Relation | None


class BillParts(NamedTuple):
    """A bill's parts in fen: the total, the fund's, and the personal part by why it is personal."""

    total_fen: int
    fund_fen: int
    full_self_fen: int
    over_limit_fen: int
    first_self_fen: int
    start_fen: int

    @property
    def in_scope_fen(self) -> int:
        """The amount that the policy covers, before the fund's ratio."""
        return self.total_fen - self.full_self_fen - self.over_limit_fen - self.first_self_fen


class BillFacts(NamedTuple):
    """A bill and its payment; without a `settlement` a quote."""

    settlement: StreamId | None
    status: SettlementStatus
    visit: str
    batch: str
    med_type: str
    parts: BillParts
    own_fen: int
    aid_fen: int
    cash_fen: int
    own_after_fen: int | None
    sponsors: tuple[Sponsored, ...]
    settled_at: datetime | None
    patient: Patient
    reasons: tuple[str, ...]
    plan: str | None = None
    treated_at: datetime | None = None


def parts_of(total_fen: int, fund_fen: int, lines: Sequence[FeeLine] | None) -> BillParts:
    """A bill's parts from its claim."""
    sums = dict.fromkeys(Part, 0)
    start = 0
    for line in lines or ():
        sums[line.part] += line.amount_fen
        if line.line.endswith(f".{START}"):
            start += line.amount_fen
    return BillParts(
        total_fen,
        fund_fen,
        sums[Part.FULL_SELF_PAY],
        sums[Part.OVER_LIMIT],
        sums[Part.PRE_SELF_PAY],
        start,
    )


def patient_of(reads: ReadSet, vault: Vault, account_id: StreamId) -> Patient:
    """A patient as recorded now."""
    account: Account = reads.account(account_id)
    return as_patient(account_id, account, personal_of(reads, vault, account_id))


def as_patient(account_id: StreamId, account: Account, person: Personal | None) -> Patient:
    """A patient from the account's state and the person, None if erased."""
    balance = account.balance_fen if account.has_funds else None
    return Patient(
        account_id,
        person or ERASED,
        account.insurance,
        account.standing,
        account.status,
        account.region,
        account.insured_place or account.region,
        balance,
    )


def facts_of(
    reads: ReadSet,
    vault: Vault,
    settlement_id: StreamId,
    settled: Settled,
    status: SettlementStatus = SettlementStatus.SETTLED,
) -> BillFacts:
    """A settlement as it was decided, without later refunds."""
    claim = settled.claim
    return BillFacts(
        settlement=settlement_id,
        status=status,
        visit=claim.visit,
        batch=claim.charge_batch,
        med_type=claim.med_type,
        parts=parts_of(claim.total_fen, claim.fund_pay_fen, claim.lines),
        own_fen=settled.own_fen,
        aid_fen=settled.aid_fen,
        cash_fen=settled.cash_fen,
        own_after_fen=settled.own_after_fen,
        sponsors=_sponsors(reads, vault, settled),
        settled_at=settled.settled_at,
        patient=patient_of(reads, vault, claim.beneficiary),
        reasons=tuple(settled.reasons),
        treated_at=claim.treated_at,
    )


def _sponsors(reads: ReadSet, vault: Vault, settled: Settled) -> tuple[Sponsored, ...]:
    """The sponsors who paid; names and relations as the patient's region discloses them."""
    if not settled.aid_fen:
        return ()
    region = reads.account(settled.claim.beneficiary).region
    edition = edition_of_record(reads, vault, region, settled.editions["beneficiary"])
    disclosure = edition.privacy.his_disclosure
    sponsors: list[Sponsored] = []
    for rank, share in enumerate(settled.payers):
        paid_fen = share.current_fen + share.prior_fen
        if not rank or not paid_fen:
            continue
        name = relation = None
        if disclosure is not HisDisclosure.TOTAL_ONLY:
            assert share.account is not None, "a payer has an account"
            assert share.binding is not None, "a sponsor pays under a binding"
            person = patient_of(reads, vault, share.account).person
            relation = reads.binding(share.binding).relation
            is_full = disclosure is HisDisclosure.PER_PAYER_FULL
            name = person.name if is_full or not person.name else masked(person.name)
        sponsors.append(Sponsored(rank, paid_fen, name, relation))
    return tuple(sponsors)


async def look_at_bill(
    context: ServiceContext, caller: Caller, settlement_id: StreamId, person_no: str | None
) -> BillFacts:
    """A settlement of the calling institution, of this person if a number is given.

    Raises:
        UnknownError: there is none, it is another's, or nothing was settled.
    """

    def query(reads: ReadSet, _: Instant) -> BillFacts:
        settlement = own_settlement(reads, context.vault, caller, settlement_id)
        settled = settlement.settled
        if settled is None:
            raise UnknownError
        patient = settled.claim.beneficiary
        if person_no is not None and find_person(reads, context.vault, person_no) != patient:
            raise UnknownError
        return facts_of(reads, context.vault, settlement_id, settled, settlement.status)

    return await context.read(caller, query)
