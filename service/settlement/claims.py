"""A bill at the counter: what an institution sends, and everything it is decided on."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.credential_link.decisions import patient_of
from aggregates.institution import Institution
from aggregates.refusals import (
    CredentialMismatchError,
    DateInvalidError,
    InstitutionNotDesignatedError,
    UnknownError,
)
from aggregates.settlement.events import Claim, FeeLine
from aggregates.settlement.family import Family, Sponsor
from aggregates.settlement.place_of_care import PlaceOfCare, is_filed, person_classes
from aggregates.vocabulary import Category, Instant, Part, StreamId
from service.caller import Caller
from service.ledger.read_set import ReadSet
from service.person.kin import traits_of
from service.policy import edition_in_force
from service.vault import Vault

TREATED_AHEAD_MAX = timedelta(days=1)
E_CREDENTIAL = "e_credential"
"""The identity type of a code that is shown (医保电子凭证)."""


class Identity(NamedTuple):
    """How a person is named at the counter: `kind` is one of the claim's identity types."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleBill:
    """A patient's bill as an institution sends it. Amounts in fen.

    `plan` is the hash of the quote he was shown; `digest` is that of the claim alone.
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


class DecisionInputs(NamedTuple):
    """What a bill meets: the claim it makes, where, and the family behind the patient.

    `visit` is the claim's unique name, as of `visit_of`.
    """

    claim: Claim
    visit: bytes
    institution: Institution
    place: PlaceOfCare
    family: Family


def read_inputs(
    reads: ReadSet, vault: Vault, caller: Caller, bill: SettleBill, now: Instant
) -> DecisionInputs:
    """Read everything a bill is decided on.

    Raises:
        UnknownError: no such patient; CredentialMismatchError, CodeExpiredError: of what was
        shown; DateInvalidError, InstitutionNotDesignatedError, and as `edition_in_force`.
    """
    institution_id = reads.find(vault.name("institution", caller.subject))
    if institution_id is None:
        raise InstitutionNotDesignatedError(status="unknown")
    institution = reads.institution(institution_id)
    account_id, credential = _person(reads, vault, bill.beneficiary, now)
    if bill.credential is not None:
        owner, shown = _person(reads, vault, bill.credential, now)
        if owner != account_id:
            raise CredentialMismatchError
        credential = shown or credential
    if bill.treated_at > now.at + TREATED_AHEAD_MAX:
        raise DateInvalidError(field="treated_at")
    claim = Claim(
        beneficiary=account_id,
        institution=institution_id,
        visit=bill.visit,
        charge_batch=bill.charge_batch,
        med_type=bill.med_type,
        treated_at=bill.treated_at,
        total_fen=bill.total_fen,
        fund_pay_fen=bill.fund_pay_fen,
        use_account=bill.use_account,
        lines=bill.lines,
        credential=credential,
    )
    family = family_of(reads, vault, account_id, now)
    place = place_of(institution, bill.med_type, family.account, now)
    return DecisionInputs(claim, visit_of(vault, claim), institution, place, family)


def place_of(
    institution: Institution, med_type: str, patient: Account, now: Instant
) -> PlaceOfCare:
    """Where a bill is from, as far as the rules of places ask."""
    return PlaceOfCare(
        institution=institution.code,
        region=institution.region,
        kind=institution.kind,
        med_type=med_type,
        opened_regions=institution.opened_regions,
        is_filed=is_filed(patient, institution.region, now.on),
        person_classes=person_classes(patient, institution.region, now.on),
    )


def _person(
    reads: ReadSet, vault: Vault, identity: Identity, now: Instant
) -> tuple[StreamId, str | None]:
    """Whose identity was shown, and the digest of an e-credential (policy.md §5).

    A code that a guardian showed is the member's: the link finds him and pays nothing.
    """
    name = vault.name(identity.kind, identity.value)
    found = reads.find(name)
    if found is None:
        raise UnknownError(what="beneficiary")
    if identity.kind != E_CREDENTIAL:
        return found, None
    digest = name.hex()
    if found.startswith("lnk_"):
        link = reads.link(found)
        found = patient_of(link, digest, traits_of(reads, vault, link.member).born_on, now)
    return found, digest


def check_shown(
    reads: ReadSet, vault: Vault, shown: Identity | None, account_id: StreamId, now: Instant
) -> None:
    """Refuse another person's credential. One that nobody here knows shows nothing.

    National cards and vouchers are read where the patient stands; what was read comes along and
    may be a token that is known to its reader alone (policy.md §5).

    Raises:
        CredentialMismatchError, CodeExpiredError: of what was shown.
    """
    told = known(reads, vault, shown)
    if told is not None and _person(reads, vault, told, now)[0] != account_id:
        raise CredentialMismatchError


def owner_of(reads: ReadSet, vault: Vault, shown: Identity, now: Instant) -> StreamId:
    """Whose credential was shown; a card's number is often its owner's ID number.

    Raises:
        UnknownError: nobody is known by it; CodeExpiredError: it was shown too long ago.
    """
    told = known(reads, vault, shown) or Identity("id_card", shown.value)
    return _person(reads, vault, told, now)[0]


def known(reads: ReadSet, vault: Vault, shown: Identity | None) -> Identity | None:
    """What was shown, where somebody here is known by it."""
    if shown is None or reads.find(vault.name(*shown)) is None:
        return None
    return shown


def family_of(reads: ReadSet, vault: Vault, account_id: StreamId, now: Instant) -> Family:
    """A patient and everybody behind him, each with the rules of his region today.

    Raises:
        UnknownError: somebody of it is not there; NoEditionError: a region without rules.
    """
    account = reads.account(account_id)
    ties = (stream for link in account.sponsors for stream in (link.sponsor, link.binding))
    reads.need([*ties, *(binding for binding, _ in account.invitations)])
    sponsors: dict[StreamId, Sponsor] = {}
    for link in account.sponsors:
        sponsor = reads.account(link.sponsor)
        edition = edition_in_force(reads, vault, sponsor.region, now)
        sponsors[link.sponsor] = Sponsor(link, sponsor, reads.binding(link.binding), edition)
    edition = edition_in_force(reads, vault, account.region, now)
    invitations = tuple((b, reads.binding(b)) for b, _ in account.invitations)
    return Family(account_id, account, edition, sponsors, invitations)


def visit_of(vault: Vault, claim: Claim) -> bytes:
    """The unique name of a live bill: one per institution, visit and batch (S55)."""
    return vault.name("visit", f"{claim.institution}\0{claim.visit}\0{claim.charge_batch}")


def lines_of(lines: Iterable[tuple[str, str, str, int]]) -> tuple[FeeLine, ...]:
    """Fee lines from the door: number, category, part and amount in fen."""
    return tuple(
        FeeLine(line=line, category=Category(category), part=Part(part), amount_fen=amount_fen)
        for line, category, part, amount_fen in lines
    )
