"""Replays as rows: told by every process, one at a time, honest about those that died."""

from service.replay.jobs import KEPT_MAX, Job, Jobs
from tests.ledgers import tamper
from tests.service.read_models.following import a_store

CUT = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE application_name = 'gongji-replay' AND datname = current_database()"
)
REPORT = {"position": 7, "found": {"count": 0, "kept": []}}


def a_job(number: int = 1) -> Job:
    return Job(f"rpl_{number}", None, "2026-03-02T10:15:00+08:00")


async def test_another_process_tells_how_far_it_is(dsn: str) -> None:
    """Begun, under way and done by one; the other reads each, and may begin none meanwhile."""
    async with a_store(dsn) as one, a_store(dsn) as other:
        here, there = Jobs(dsn, one.pool), Jobs(dsn, other.pool)
        job = a_job()
        held = await here.begin(job)
        assert held is not None
        assert job == await there.find(job.id)
        assert None is await there.begin(a_job(2))
        assert job.id == await there.running()
        job.done, job.total = 3, 7
        await here.keep(job)
        assert job == await there.find(job.id)
        job.status, job.ended_at, job.report = "done", job.started_at, REPORT
        await here.keep(job)
        await held.close()

        assert job == await there.find(job.id)
        assert None is await there.find("rpl_2")
        after = await there.begin(a_job(2))
        assert after is not None
        assert job == await here.find(job.id)
        await after.close()


async def test_one_whose_process_died_was_interrupted(dsn: str) -> None:
    """Nobody holds it any more: it says so, also after the next one began and ended."""
    async with a_store(dsn) as store:
        jobs = Jobs(dsn, store.pool)
        died = await jobs.begin(a_job())
        assert died is not None
        await tamper(store.pool, CUT)
        died.terminate()
        seen = await jobs.find("rpl_1")
        assert seen is not None
        assert "interrupted" == seen.status
        held = await jobs.begin(a_job(2))
        assert held is not None
        first, second = await jobs.find("rpl_1"), await jobs.find("rpl_2")
        await held.close()

        assert first is not None
        assert second is not None
        assert ("interrupted", "running") == (first.status, second.status)


async def test_the_oldest_are_forgotten(dsn: str) -> None:
    """Not more than a hundred are remembered, the newest."""
    async with a_store(dsn) as store:
        jobs = Jobs(dsn, store.pool)
        for number in range(KEPT_MAX + 3):
            held = await jobs.begin(a_job(number))
            assert held is not None
            await held.close()

        assert KEPT_MAX == await store.pool.fetchval("SELECT count(*) FROM replays")
        assert None is await jobs.find("rpl_2")
        assert None is not await jobs.find("rpl_3")
