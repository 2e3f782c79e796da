"""A late edition that counts from an earlier day changes nothing that was decided before."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

from api.verify.gongji_verify import read_key, verify
from service.context import ServiceContext
from service.policy import publish
from service.proof.export import ExportRange, export
from service.proof.sealer import Sealer
from service.regions.policy_book import PolicyBook
from service.replay.run import replay
from service.settlement.cancel import cancel
from tests.cases.world import P0
from tests.service.settlement.settled_family import (
    HOSPITAL,
    OWN_FEN,
    REGION,
    a_context,
    asked,
    move_in,
    settled,
)

LATE = replace(
    P0,
    id="p0/late",
    effective_on=date(2021, 1, 1),
    place=replace(P0.place, med_types_allowed=("41",)),
)


async def lines_of(context: ServiceContext) -> list[str]:
    pool = context.store.pool  # type: ignore[attr-defined]
    return [line async for line in export(context, pool, ExportRange())]


async def test_bills_before_a_late_edition_stay_as_they_were_decided(
    dsn: str, tmp_path: Path
) -> None:
    """Aid paid by the old edition, and not by the new one; replay and verifier find nothing."""
    async with a_context(dsn, tmp_path) as context:
        await move_in(context)
        before = await settled(context, "one", fen=OWN_FEN + 300)
        context.policies = PolicyBook({REGION: (P0, LATE)})
        assert 1 == await publish(context)
        after = await settled(context, "two", fen=300)
        assert before.subject is not None
        assert None is (await cancel(context, asked(HOSPITAL), before.subject, "wrong")).refusal
        await Sealer(dsn, tmp_path / "keys.json", tmp_path).seal_now()
        lines = await lines_of(context)
        report = await replay(dsn, context.vault)

    paid = [json.loads(reply.answer) for reply in (before, after)]
    assert [("3.00", P0.id), ("0.00", LATE.id)] == [
        (answer["aid"], answer["policy_edition"]) for answer in paid
    ]
    assert [] == report.found.kept
    key = read_key(json.loads(lines[0])["keys"][0])
    assert [] == verify(lines, [key], None).faults.found
