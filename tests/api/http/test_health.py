"""The operator's network: ready, degraded or unready, and why."""

from typing_extensions import override

from api.http.schemas import ReadyReply, UnreadyReply
from service.ledger.memory_store import MemoryStore
from service.ledger.store import StoreUnavailableError
from service.readiness import Reason
from tests.api.clients import Desk

BEHIND = Reason("FOLLOWER_BEHIND", "bills: 20 events")
MISMATCH = Reason("CHECKPOINT_MISMATCH", "size 7", stops=True)


class Unreachable(MemoryStore):
    """A ledger that does not answer."""

    @override
    async def position(self) -> int:
        raise StoreUnavailableError("secret")


async def test_a_ready_process_keeps_its_old_members(desk: Desk) -> None:
    """Status and position as they always were, and no reason."""
    answer = await desk.front.get("/readyz")

    position = await desk.house.store.position()
    assert {"status": "ready", "position": position, "reasons": []} == answer.json()
    assert "application/json" == answer.headers["content-type"]


async def test_a_degraded_process_serves_and_says_why(desk: Desk) -> None:
    """200 with each reason by code and detail."""
    desk.house.readiness.add("follower", lambda: [BEHIND])

    answer = await desk.front.get("/readyz")

    assert 200 == answer.status_code
    told = ReadyReply.model_validate_json(answer.content)
    assert ("degraded", [BEHIND[:2]]) == (
        told.status,
        [(reason.code, reason.detail) for reason in told.reasons],
    )


async def test_a_reason_that_stops_is_503(desk: Desk) -> None:
    """Unready, with all reasons, those too that would only degrade."""
    desk.house.readiness.add("follower", lambda: [BEHIND])
    desk.house.readiness.add("checkpoint", lambda: [MISMATCH])

    answer = await desk.front.get("/readyz")

    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    told = UnreadyReply.model_validate_json(answer.content)
    assert ["FOLLOWER_BEHIND", "CHECKPOINT_MISMATCH"] == [reason.code for reason in told.reasons]
    assert "NOT_READY" == told.code


async def test_a_ledger_that_does_not_answer_is_503(desk: Desk) -> None:
    """The class of the error is told, its words are not."""
    desk.house.store = Unreachable()

    answer = await desk.front.get("/readyz")

    assert 503 == answer.status_code
    told = UnreadyReply.model_validate_json(answer.content)
    assert [("LEDGER_UNREACHABLE", "StoreUnavailableError")] == [
        (reason.code, reason.detail) for reason in told.reasons
    ]
