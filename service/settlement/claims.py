"""A bill at the counter: what an institution sends, and everything it is decided on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.institution import Institution, check_designated
from aggregates.refusals import (
    DateInvalidError,
    InstitutionNotDesignatedError,
)
from aggregates.settlement.events import READING, Claim, FeeLine
from aggregates.settlement.family import Family, Sponsor
from aggregates.settlement.place_of_care import (
    PlaceOfCare,
    check_med_type,
    is_filed,
    person_classes,
)
from aggregates.vocabulary import Category, CredentialProof, Instant, Part, StreamId
from service.caller import Caller
from service.ids import kept
from service.ledger.read_set import ReadSet
from service.person.credentials import (
    UNASKED,
    Confirmations,
    Identity,
    check_shown,
    look_up,
    patient_unknown,
)
from service.policy import edition_in_force
from service.vault import Vault

TREATED_AHEAD_MAX = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleBill:
    """A patient's bill as an institution sends it. Amounts in fen.

    `plan` is the hash of the quote that the patient was shown; `digest` is of the claim alone.
    `was_shown` says that a credential was shown at this visit before.
    """

    beneficiary: Identity
    visit: str
    charge_batch: str
    med_type: str
    treated_at: datetime
    total_fen: int
    fund_pay_fen: int
    use_account: bool
    lines: tuple[FeeLine, ...] | None
    credential: Identity | None
    plan: str | None
    digest: bytes
    was_shown: bool = False
    use_aid: bool = True
    authoriser_code: str | None = None


class DecisionInputs(NamedTuple):
    """Everything a bill is decided on; `visit` is the claim's unique name, as of `visit_of`."""

    claim: Claim
    visit: bytes
    institution: Institution
    place: PlaceOfCare
    family: Family


def read_inputs(
    reads: ReadSet,
    vault: Vault,
    caller: Caller,
    bill: SettleBill,
    now: Instant,
    confirmations: Confirmations = UNASKED,
) -> DecisionInputs:
    """Read everything a bill is decided on; `confirmations` are what a verifier answered.

    Raises:
        MedTypeUnknownError: the kind of care is no code; UnknownError: no such patient;
        CredentialUnknownError: nobody confirms the credential;
        CredentialMismatchError, CodeExpiredError: the credential is another's, or expired;
        DateInvalidError, InstitutionNotDesignatedError; and as `edition_in_force`.
    """
    check_med_type(bill.med_type)
    institution_id, institution = calling_institution(reads, vault, caller)
    account_id, proof, credential = _patient(reads, vault, bill, now, confirmations)
    if bill.treated_at > now.at + TREATED_AHEAD_MAX:
        raise DateInvalidError(field="treated_at")
    code = bill.authoriser_code
    claim = Claim(
        beneficiary=account_id,
        institution=institution_id,
        visit=kept(bill.visit),
        charge_batch=bill.charge_batch,
        med_type=bill.med_type,
        treated_at=bill.treated_at,
        total_fen=bill.total_fen,
        fund_pay_fen=bill.fund_pay_fen,
        use_account=bill.use_account,
        lines=bill.lines,
        credential=credential,
        proven_by=proof,
        reading=READING,
        use_aid=bill.use_aid,
        authoriser_code=code_digest(vault, code) if code else None,
    )
    family = family_of(reads, vault, account_id, now)
    place = place_of(institution, claim, family.account, now)
    return DecisionInputs(claim, visit_of(vault, claim), institution, place, family)


def _patient(
    reads: ReadSet,
    vault: Vault,
    bill: SettleBill,
    now: Instant,
    confirmations: Confirmations,
) -> tuple[StreamId, CredentialProof, str | None]:
    """The patient's account, what proved it, and the digest of an e-credential.

    A credential beside the patient counts more than how the patient is named.
    """
    found = look_up(reads, vault, bill.beneficiary, now, confirmations)
    if found is None or found.account is None:  # also for a token accepted without an answer
        raise patient_unknown(bill.beneficiary)
    if bill.credential is None:
        was_shown = bill.was_shown and found.proof is CredentialProof.NONE
        proof = CredentialProof.VISIT if was_shown else found.proof
        return found.account, proof, found.digest
    shown = check_shown(reads, vault, bill.credential, found.account, now, confirmations)
    proof = shown.proof or found.proof
    return found.account, proof, shown.digest or found.digest


def institution_of(reads: ReadSet, vault: Vault, caller: Caller) -> StreamId | None:
    """The stream of the calling institution; None where it is not known here."""
    return reads.find(vault.name("institution", caller.subject))


def calling_institution(
    reads: ReadSet, vault: Vault, caller: Caller
) -> tuple[StreamId, Institution]:
    """The calling institution; InstitutionNotDesignatedError where it is not known here."""
    stream = institution_of(reads, vault, caller)
    if stream is None:
        raise InstitutionNotDesignatedError(status="unknown")
    return stream, reads.institution(stream)


def designated_institution(
    reads: ReadSet, vault: Vault, caller: Caller
) -> tuple[StreamId, Institution]:
    """The calling institution; InstitutionNotDesignatedError unless its agreement is in force."""
    stream, institution = calling_institution(reads, vault, caller)
    check_designated(institution)
    return stream, institution


def place_of(institution: Institution, claim: Claim, patient: Account, now: Instant) -> PlaceOfCare:
    """The place of a bill, as the rules on places need it."""
    return PlaceOfCare(
        institution=institution.code,
        region=institution.region,
        kind=institution.kind,
        med_type=claim.med_type,
        opened_regions=institution.opened_regions,
        is_filed=is_filed(patient, institution.region, now.on),
        person_classes=person_classes(patient, institution.region, now.on),
        is_home=institution.region == patient.region,
        reading=claim.reading,
    )


def family_of(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> Family:
    """A patient and the sponsors, each with the edition in force in their region.

    Raises:
        UnknownError: an account or binding is missing; NoEditionError: a region without rules.
    """
    account = reads.account(account_id)
    linked = (stream for link in account.sponsors for stream in (link.sponsor, link.binding))
    reads.need([*linked, *(binding for binding, _ in account.invitations)])
    sponsors: dict[StreamId, Sponsor] = {}
    for link in account.sponsors:
        sponsor = reads.account(link.sponsor)
        edition = edition_in_force(reads, vault, sponsor.region, now)
        pool = reads.pool(sponsor.pool) if sponsor.pool else None
        sponsors[link.sponsor] = Sponsor(link, sponsor, reads.binding(link.binding), edition, pool)
    edition = edition_in_force(reads, vault, account.region, now)
    invitations = tuple((b, reads.binding(b)) for b, _ in account.invitations)
    return Family(account_id, account, edition, sponsors, invitations)


def code_digest(vault: Vault, code: str) -> str:
    """The keyed digest of a sponsor's own code, in hex."""
    return vault.name("authoriser_code", code).hex()


def visit_of(vault: Vault, claim: Claim) -> bytes:
    """The unique name of a live bill: one per institution, visit and batch (S55)."""
    return vault.name("visit", f"{claim.institution}\0{claim.visit}\0{claim.charge_batch}")


def lines_of(lines: Iterable[tuple[str, str, str, int]]) -> tuple[FeeLine, ...]:
    """Fee lines from rows of number, category, part and amount in fen."""
    return tuple(
        FeeLine(line=line, category=Category(category), part=Part(part), amount_fen=amount_fen)
        for line, category, part, amount_fen in lines
    )
