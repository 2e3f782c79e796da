"""The evidence of a credential link: which documents are valid at which age (policy.md §5)."""

from datetime import date
from typing import NamedTuple

from aggregates.binding.kinship import age_on
from aggregates.refusals import EvidenceInvalidError
from aggregates.vocabulary import LinkEvidence

CHILD_UNTIL = 16
"""Years of age up to which kinship papers prove a member (policy.md §5)."""
PROOF_OF_CHILD = frozenset(
    {LinkEvidence.BIRTH_CERTIFICATE, LinkEvidence.HOUSEHOLD_PAGE, LinkEvidence.NOTARISED}
)
PROOF_OF_OTHERS = frozenset({LinkEvidence.HOUSEHOLD_PAGE, LinkEvidence.FACE})


class RelationCheck(NamedTuple):
    """What is known of the two independently of the guardian's own statement.

    `is_kin`: the register has them as relatives. `is_parent`: it names the guardian as a
    parent of the member, who is a minor. `is_verified`: the verifier's answer on the evidence,
    None without an answer.
    """

    is_kin: bool
    is_parent: bool
    is_verified: bool | None


class IdentityCheck(NamedTuple):
    """An identity check of the person who activates a link, and what the verifier says of it.

    `digest` is the keyed digest of its reference in hex. `holds` is the verifier's answer on that
    person, None without an answer. `is_used`: the same check activated a link before.
    """

    kind: LinkEvidence
    digest: str
    holds: bool | None
    is_used: bool


def check_identity(check: IdentityCheck | None, *, is_required: bool) -> None:
    """A check that is shown must hold and be new; where one is required, it must be shown.

    A verifier that does not answer confirms nothing: nobody else looks at an activation.

    Raises:
        EvidenceInvalidError: the check is missing, another person's, unconfirmed or used before.
    """
    is_missing = check is None and is_required
    if is_missing or (check is not None and (check.holds is not True or check.is_used)):
        raise EvidenceInvalidError(field="identity_check")


def check_proof(kind: LinkEvidence, reference: str, born_on: date | None, on: date) -> None:
    """A member over 16 is proven by household page or face, a child by papers (§5).

    An unknown date of birth counts as over 16.

    Raises:
        EvidenceInvalidError: the kind is not valid at this age, or the reference is missing.
    """
    is_child = born_on is not None and age_on(born_on, on) <= CHILD_UNTIL
    if kind not in (PROOF_OF_CHILD if is_child else PROOF_OF_OTHERS):
        raise EvidenceInvalidError(field="evidence.kind")
    if not reference:
        raise EvidenceInvalidError(field="evidence.reference")
