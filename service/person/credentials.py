"""Whose credential was shown, and how that is known (policy.md §5, regions.md §3)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, TypeVar

from aggregates.credential_link.decisions import patient_of
from aggregates.refusals import (
    CredentialMismatchError,
    CredentialUnknownError,
    UnknownError,
)
from aggregates.vocabulary import CredentialProof, Instant, StreamId
from service.adapters.credential_verifier import Confirmation
from service.context import Confirms
from service.ledger.read_set import ReadSet
from service.person.kin import traits_of
from service.vault import Vault

T = TypeVar("T")
PERSON_NO, ID_CARD = "person_no", "id_card"
SOCIAL_CARD, E_CREDENTIAL = "social_card", "e_credential"
"""The identity types of claims. An e-credential is a code that is shown (医保电子凭证)."""
TOKENS = (SOCIAL_CARD, E_CREDENTIAL)
"""Identity types that a verifier may know although nobody here does."""


class Identity(NamedTuple):
    """How a person is identified at the counter: `kind` is one of the claim's identity types."""

    kind: str
    value: str


Confirmations = Mapping[Identity, Confirmation]
"""The verifier's answers, by token."""
UNASKED: Confirmations = {}


class Shown(NamedTuple):
    """Whose credential was shown; `account` is None for a token accepted without an answer.

    `digest` is the keyed digest of a guardian's code in hex, as in `Claim.credential`.
    """

    account: StreamId | None
    proof: CredentialProof
    digest: str | None = None


def look_up(
    reads: ReadSet,
    vault: Vault,
    shown: Identity,
    now: Instant,
    confirmations: Confirmations = UNASKED,
) -> Shown | None:
    """Whose credential it is; None if nobody's is known here and no verifier confirmed it.

    A code that a guardian shows is the member's: its link leads to the member, and pays nothing.
    A card's number is often its owner's ID number.

    Raises:
        CodeExpiredError: the guardian's code has expired.
    """
    name = vault.name(*shown)
    stream = reads.find(name)
    if stream is not None:
        if stream.startswith("lnk_"):
            digest, link = name.hex(), reads.link(stream)
            born_on = traits_of(reads, vault, link.member).born_on
            member = patient_of(link, digest, born_on, now)
            return Shown(member, CredentialProof.CODE, digest)
        return Shown(stream, _PROOFS[shown.kind])
    if shown.kind in TOKENS:
        stream = reads.find(vault.name(ID_CARD, shown.value))
        if stream is not None:
            return Shown(stream, CredentialProof.ID_NUMBER)
    confirmation = confirmations.get(shown)
    if confirmation is None:
        return None
    if confirmation.cert_no is None:
        return Shown(None, confirmation.proof)
    stream = reads.find(vault.name(ID_CARD, confirmation.cert_no))
    return None if stream is None else Shown(stream, confirmation.proof)


_PROOFS = {
    PERSON_NO: CredentialProof.NONE,
    ID_CARD: CredentialProof.ID_NUMBER,
    SOCIAL_CARD: CredentialProof.SOCIAL_CARD,
    E_CREDENTIAL: CredentialProof.E_CREDENTIAL,
}


def check_shown(
    reads: ReadSet,
    vault: Vault,
    shown: Identity,
    account_id: StreamId,
    now: Instant,
    confirmations: Confirmations = UNASKED,
) -> Shown:
    """What a shown credential proves of this patient.

    Raises:
        CredentialUnknownError: nobody confirms it; CredentialMismatchError, CodeExpiredError: it
        is another's, or expired.
    """
    found = look_up(reads, vault, shown, now, confirmations)
    if found is None:
        unknown = CredentialUnknownError(field="credential")
        unknown.shown = (shown.kind, shown.value)
        raise unknown
    if found.account not in (None, account_id):
        raise CredentialMismatchError
    return found


def patient_unknown(shown: Identity) -> UnknownError:
    """The refusal of a patient whom nobody here has as this identity."""
    unknown = UnknownError(what="beneficiary")
    unknown.shown = (shown.kind, shown.value)
    return unknown


async def confirming(
    verifier: Confirms | None, attempt: Callable[[Confirmations], Awaitable[T]]
) -> T:
    """Attempt a use case; when it stops at an unknown token, ask the verifier and attempt it again.

    Raises:
        CredentialUnknownError, UnknownError: nobody confirms the token; the rest as the
        attempt, and as `Confirms.confirm`.
    """
    answers: dict[Identity, Confirmation] = {}
    while True:
        try:
            return await attempt(answers)
        except (CredentialUnknownError, UnknownError) as unknown:
            if verifier is None or unknown.shown is None:
                raise
            shown = Identity(*unknown.shown)
            if shown.kind not in TOKENS or shown in answers:
                raise
            confirmation = await verifier.confirm(*shown)
            if confirmation is None:
                raise
            answers[shown] = confirmation
