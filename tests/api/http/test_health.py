"""The operator's network: ready, degraded or unready, and why."""

from typing_extensions import override

from api.http.schemas import ReadyReply, UnreadyReply
from service.ledger.memory_store import MemoryStore
from service.ledger.postgres.store import PostgresStore
from service.ledger.store import StoreUnavailableError
from service.read_models.follower import Follower
from service.runtime.readiness import ReadinessReason
from tests.api.clients import Desk
from tests.service.read_models.following import a_visit, append, the_first_day

BEHIND = ReadinessReason("FOLLOWER_BEHIND", "bills: 20 events")
MISMATCH = ReadinessReason("CHECKPOINT_MISMATCH", "size 7", stops=True)


class Unreachable(MemoryStore):
    """A ledger that does not answer."""

    @override
    async def position(self) -> int:
        raise StoreUnavailableError("secret")


async def test_a_ready_process_keeps_its_old_members(desk: Desk) -> None:
    """ReadinessStatus and position as they always were, and no reason."""
    answer = await desk.front.get("/readyz")

    position = await desk.context.store.position()
    assert {"status": "ready", "position": position, "reasons": []} == answer.json()
    assert "application/json" == answer.headers["content-type"]


async def test_a_degraded_process_serves_and_says_why(desk: Desk) -> None:
    """200 with each reason by code and detail."""
    desk.context.readiness.add("follower", lambda: [BEHIND])

    answer = await desk.front.get("/readyz")

    assert 200 == answer.status_code
    told = ReadyReply.model_validate_json(answer.content)
    assert ("degraded", [BEHIND[:2]]) == (
        told.status,
        [(reason.code, reason.detail) for reason in told.reasons],
    )


async def test_a_parked_event_degrades_and_is_counted(desk_on_postgres: Desk) -> None:
    """D2: readiness and metrics name the read model and the position, and nothing of a person."""
    desk = desk_on_postgres
    store = desk.context.store
    assert isinstance(store, PostgresStore)
    await append(store, [a_visit(1, the_first_day())])
    assert await Follower("", store.pool).wait_for(await store.position(), 20)
    ready = ReadyReply.model_validate_json((await desk.front.get("/readyz")).content)
    measured = (await desk.front.get("/metrics")).text

    detail = f"visits: 1 event parked, the first at position {ready.position}"
    assert ("degraded", [("FOLLOWER_PARKED", detail)]) == (
        ready.status,
        [(reason.code, reason.detail) for reason in ready.reasons],
    )
    assert 'gongji_parked_events{projection="visits"} 1.0' in measured
    assert 'gongji_parked_events{projection="bills"} 0.0' in measured
    assert 'gongji_follower_lag_events{projection="visits"} 0.0' in measured
    assert 'gongji_follower_lag_seconds{projection="signals"} 0.0' in measured
    assert [] == [line for line in measured.splitlines() if "acc_" in line or "vis_" in line]


async def test_a_reason_that_stops_is_503(desk: Desk) -> None:
    """Unready, with all reasons, those too that would only degrade."""
    desk.context.readiness.add("follower", lambda: [BEHIND])
    desk.context.readiness.add("checkpoint", lambda: [MISMATCH])

    answer = await desk.front.get("/readyz")

    assert (503, "1") == (answer.status_code, answer.headers["retry-after"])
    told = UnreadyReply.model_validate_json(answer.content)
    assert ["FOLLOWER_BEHIND", "CHECKPOINT_MISMATCH"] == [reason.code for reason in told.reasons]
    assert "NOT_READY" == told.code


async def test_a_ledger_that_does_not_answer_is_503(desk: Desk) -> None:
    """The class of the error is told, its words are not."""
    desk.context.store = Unreachable()

    answer = await desk.front.get("/readyz")

    assert 503 == answer.status_code
    told = UnreadyReply.model_validate_json(answer.content)
    assert [("LEDGER_UNREACHABLE", "StoreUnavailableError")] == [
        (reason.code, reason.detail) for reason in told.reasons
    ]
