"""The verifier of identity proofs, and its effect on requests for credential links."""

from collections.abc import AsyncIterator

import httpx
import pytest

from aggregates.credential_link.events import CredentialLinkRequested
from aggregates.refusals import EvidenceInvalidError
from aggregates.vocabulary import LinkEvidence, Relation, StreamId
from api.sandbox.identity import create_sandbox
from service.adapters.identity_verifier import IdentityVerifier
from service.caller import person
from service.clock import business_clock
from service.context import ServiceContext, furnish
from service.credential_link import closure, opening
from service.ledger.memory_store import MemoryStore
from service.regions.policy_book import load
from service.vault import Personal, Vault
from tests.service.adapters.test_kinship_registry import REGIONS
from tests.service.settlement.settled_family import asked, move_in

PROOFS = {"F-P1": "ID-P1", "F-S1": "ID-S1"}


def a_verifier() -> IdentityVerifier:
    transport = httpx.ASGITransport(app=create_sandbox(PROOFS))
    client = httpx.AsyncClient(transport=transport, base_url="http://verifier")
    return IdentityVerifier("http://verifier/identity", client)


@pytest.fixture
async def context() -> AsyncIterator[ServiceContext]:
    """A patient, a sponsor, and a verifier of their faces."""
    context = furnish(MemoryStore(), Vault(bytes(32), bytes(32)), load(REGIONS), business_clock())
    await move_in(context, sponsors=())
    context.proofs = a_verifier()
    yield context
    await context.close()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("F-P1", True), ("F-S1", False), ("made up", False), ("down", None), ("broken", None)],
)
async def test_a_verifier_answers_or_does_not(reference: str, expected: bool | None) -> None:  # noqa: FBT001
    """Yes and no are answers; errors and invalid bodies are none."""
    verifier = a_verifier()
    patient = Personal("P1", "test", "ID-P1")

    assert expected is await verifier.holds(patient, LinkEvidence.FACE, reference)
    await verifier.close()


async def test_nobody_listening_is_no_answer() -> None:
    """An unreachable verifier confirms nothing."""
    verifier = IdentityVerifier("http://127.0.0.1:1/identity")

    assert None is await verifier.holds(Personal("P1", "test", "1"), LinkEvidence.FACE, "F-P1")
    await verifier.close()


def a_wish(member: str, reference: str, kind: LinkEvidence = LinkEvidence.FACE) -> opening.OpenLink:
    return opening.OpenLink(
        guardian=None,
        member=member,
        relation=Relation.PARENT,
        evidence=kind,
        reference=reference,
    )


async def verified(context: ServiceContext, wish: opening.OpenLink) -> bool:
    """Whether the log has the proof of a new request as verified."""
    request = asked(person(context.vault, "S1"))
    reply = await opening.open_link(context, request, wish)
    assert reply.refusal is None
    link_id = StreamId(reply.answer.decode().partition('"link_id":"')[2][:36])
    event = (await context.store.history(link_id))[0].event
    assert isinstance(event, CredentialLinkRequested)
    await closure.close_link(context, asked(person(context.vault, "S1")), link_id, "told")
    return event.is_verified


async def test_a_face_is_evidence_where_the_verifier_says_so(context: ServiceContext) -> None:
    """A confirmed proof is recorded as verified; without an answer it is not."""
    assert await verified(context, a_wish("P1", "F-P1"))
    for reference in ("down", "broken"):
        assert not await verified(context, a_wish("P1", reference))
    assert not await verified(context, a_wish("P1", "HK-1", LinkEvidence.HOUSEHOLD_PAGE))


@pytest.mark.parametrize("member", ["P1", "NOBODY"])
@pytest.mark.parametrize("reference", ["made up", "F-S1"])
async def test_a_false_face_is_refused_whoever_it_is_said_to_be(
    context: ServiceContext, member: str, reference: str
) -> None:
    """A face check of an unknown person is refused, and nothing is stored."""
    before = await context.store.position()
    with pytest.raises(EvidenceInvalidError):
        await verified(context, a_wish(member, reference))

    assert before == await context.store.position()


async def test_a_verifier_that_is_down_tells_of_nobody(context: ServiceContext) -> None:
    """Without an answer the request is accepted, whether the person exists or not."""
    assert not await verified(context, a_wish("NOBODY", "down"))
