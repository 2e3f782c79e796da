"""The verifier of tokens: its answers, how long they count, and what counts without one."""

import httpx
import pytest

from api.sandbox.credentials import create_sandbox
from service.adapters.credential_verifier import (
    Confirmation,
    CredentialVerifier,
    VerifierUnavailableError,
)

HOLDERS = {"EC-1": "ID-P1"}


class Clock:
    """Seconds of any origin."""

    now_s = 100.0

    def __call__(self) -> float:
        """The seconds now."""
        return self.now_s


def a_verifier(holders: dict[str, str], outage: str = "refuse") -> CredentialVerifier:
    transport = httpx.ASGITransport(app=create_sandbox(holders))
    client = httpx.AsyncClient(transport=transport, base_url="http://verifier")
    return CredentialVerifier(
        "http://verifier/credential", client, cache_s=30, outage=outage, clock_s=Clock()
    )


async def test_a_verifier_says_whose_a_token_is() -> None:
    """A known token has an owner, another one nobody."""
    verifier = a_verifier(HOLDERS)

    assert Confirmation("ID-P1") == await verifier.confirm("e_credential", "EC-1")
    assert await verifier.confirm("e_credential", "made up") is None
    await verifier.close()


@pytest.mark.parametrize("token", ["down", "broken"])
async def test_without_an_answer_a_token_is_refused_or_accepted_with_a_mark(token: str) -> None:
    """The setting decides; an accepted token has no owner, and its proof is OUTAGE."""
    strict, lenient = a_verifier(HOLDERS), a_verifier(HOLDERS, "accept")

    with pytest.raises(VerifierUnavailableError):
        await strict.confirm("e_credential", token)
    accepted = await lenient.confirm("e_credential", token)

    assert accepted is not None
    assert (None, "OUTAGE") == (accepted.cert_no, accepted.proof)


async def test_nobody_listening_is_no_answer() -> None:
    """An unreachable verifier confirms nothing."""
    verifier = CredentialVerifier("http://127.0.0.1:1/credential")

    with pytest.raises(VerifierUnavailableError):
        await verifier.confirm("e_credential", "EC-1")
    await verifier.close()


async def test_an_answer_counts_for_seconds() -> None:
    """A token is asked for again after its time; no answer is never kept."""
    holders = dict(HOLDERS)
    verifier = a_verifier(holders)
    clock = verifier._clock_s  # noqa: SLF001 -- the test's own clock
    assert isinstance(clock, Clock)
    assert Confirmation("ID-P1") == await verifier.confirm("e_credential", "EC-1")
    holders.clear()

    clock.now_s += 29
    assert Confirmation("ID-P1") == await verifier.confirm("e_credential", "EC-1")
    assert await verifier.confirm("social_card", "EC-1") is None, "another kind is another token"
    clock.now_s += 2
    assert await verifier.confirm("e_credential", "EC-1") is None
