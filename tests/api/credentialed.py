"""Desks in a region that requires a credential, and a verifier of tokens."""

from dataclasses import replace

import httpx

from aggregates.policy.choices import CredentialRequired
from api.sandbox.credentials import create_sandbox
from service.adapters.credential_verifier import CredentialVerifier
from service.policy import publish
from service.regions.policy_book import PolicyBook
from tests.api.clients import BOOK, HOME, Desk


async def require_a_credential(desk: Desk) -> None:
    """Let the home region require a credential from today on."""
    edition = BOOK.editions(HOME)[-1]
    binding = replace(edition.binding, credential_required=CredentialRequired.ANY)
    strict = replace(edition, id="p0/strict", effective_on=desk.clock.at.date(), binding=binding)
    desk.context.policies = PolicyBook({HOME: (*BOOK.editions(HOME), strict)})
    await publish(desk.context)


def ask_a_verifier(desk: Desk, holders: dict[str, str], outage: str = "refuse") -> None:
    """Let a verifier know whose these tokens are, by certificate number."""
    transport = httpx.ASGITransport(app=create_sandbox(holders))
    client = httpx.AsyncClient(transport=transport, base_url="http://verifier")
    desk.context.tokens = CredentialVerifier(
        "http://verifier/credential", client, cache_s=0.0, outage=outage
    )
