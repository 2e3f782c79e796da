"""Proofs over HTTP, checked by a second implementation, and who may ask for them."""

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from api.proof.schemas import (
    CheckpointReply,
    ConsistencyReply,
    CosignatureReply,
    InclusionReply,
    ReceiptReply,
)
from service.proof.merkle import leaf_hash
from service.proof.sealer import Sealer
from service.proof.signed_notes import WITNESS_KEY, Signer, split_note
from service.proof.tree import read_leaves
from tests import checker
from tests.api.clients import (
    AGENCY,
    AUDITOR,
    HOSPITAL,
    OPERATOR,
    PHARMACY,
    Desk,
    Who,
    a_family,
    a_person,
    a_settlement,
    an_account,
    an_institution,
    is_answered,
    is_refused,
    untraced,
)
from tests.ledgers import tamper
from tests.service.read_models.following import append_foreign

AUDIT = "/v1/audit"
INCLUSION, CONSISTENCY = f"{AUDIT}/proofs/inclusion", f"{AUDIT}/proofs/consistency"
WITNESS, COSIGNATURE = "/v1/witness/checkpoint", "/v1/witness/cosignature"


class Sealing:
    """A desk in PostgreSQL whose log is sealed when a test says so, or all the time."""

    def __init__(self, desk: Desk, dsn: str, place: Path) -> None:
        """Seal with keys in a directory of the test's."""
        self.desk = desk
        self.pool = desk.context.store.pool  # type: ignore[attr-defined]
        self.sealer = Sealer(dsn, place / "keys.json", place)
        self.dsn = dsn

    async def seal(self) -> dict[str, Any]:
        """Seal, and look at the checkpoint."""
        await self.sealer.seal_now()
        looked = await self.desk.get(AUDITOR, f"{AUDIT}/checkpoint")
        answer: dict[str, Any] = is_answered(looked, CheckpointReply)
        return answer


@pytest.fixture
async def sealing(desk_on_postgres: Desk, dsn: str, tmp_path: Path) -> AsyncIterator[Sealing]:
    """A family with a settlement, and the means to seal it."""
    made = Sealing(desk_on_postgres, dsn, tmp_path)
    await a_family(desk_on_postgres)
    yield made
    await made.sealer.close()


async def test_every_row_is_proven_at_every_checkpoint(sealing: Sealing) -> None:
    """Every position, also the library's, in every sealed tree, by the second implementation."""
    checkpoints = [await sealing.seal()]
    for visit in ("v1", "v2"):
        await a_settlement(sealing.desk, visit=visit)
        await append_foreign(sealing.dsn, "mypackage:Dog.Registered", b"\xff\x00")
        checkpoints.append(await sealing.seal())
    key = checkpoints[-1]["keys"][0]
    for checkpoint in checkpoints:
        size = checkpoint["size"]
        for position in {1, 2, 3, size // 2, size - 1, size}:
            query = f"{INCLUSION}?position={position}&size={size}"
            told = is_answered(await sealing.desk.get(AUDITOR, query), InclusionReply)
            index, leaf, signed = checker.proven(told["proof"], key)
            (row,) = await read_leaves(sealing.pool, position - 1, position)
            assert (position - 1, leaf_hash(row), size) == (index, leaf, signed.size)
            assert (told["leaf_index"], told["root"]) == (index, checkpoint["root"])
    text = await sealing.desk.get(AUDITOR, f"{INCLUSION}?position=1", Accept="text/plain")
    assert "text/plain; charset=utf-8" == text.headers["content-type"]
    assert checkpoints[-1]["size"] == checker.proven(text.text, key)[2].size


async def test_the_log_only_grew(sealing: Sealing) -> None:
    """From every size to the newest, with the older root recomputed from the same rows."""
    await a_settlement(sealing.desk)
    checkpoint = await sealing.seal()
    size, key = checkpoint["size"], checkpoint["keys"][0]
    for old in range(1, size + 1):
        query = f"{CONSISTENCY}?from={old}&to={size}"
        told = is_answered(await sealing.desk.get(AUDITOR, query), ConsistencyReply)
        before = base64.b64decode(told["from_root"])
        assert size == checker.grown(told["proof"], key, before).size
    between = await sealing.desk.get(AUDITOR, f"{CONSISTENCY}?from=3&to=7")
    told = is_answered(between, ConsistencyReply)
    assert (None, 3, 7) == (told["proof"], told["from"], told["to"])


async def test_a_receipt_comes_within_two_seconds(sealing: Sealing) -> None:
    """Asked for right after settling it waits for the sealer, and is checked without us."""
    sealing.sealer.start()
    settled = await a_settlement(sealing.desk)
    path = f"/v1/settlements/{settled['settlement_id']}/receipt"
    told = is_answered(await sealing.desk.get(HOSPITAL, path), ReceiptReply)
    looked = is_answered(await sealing.desk.get(AUDITOR, f"{AUDIT}/checkpoint"), CheckpointReply)
    index, leaf, _ = checker.proven(told["proof"], looked["keys"][0])
    (row,) = await read_leaves(sealing.pool, index, index + 1)

    assert (settled["position"], index) == (told["position"], told["leaf_index"])
    assert leaf_hash(row) == leaf
    assert settled["settlement_id"] == f"stl_{row.stream.hex()}"
    assert "settlement.settled/1" == row.topic


async def test_an_unsealed_row_is_told_as_such(sealing: Sealing) -> None:
    """Nobody seals: 409 after the wait, for a receipt, a checkpoint and a proof."""
    desk = sealing.desk
    settled = await a_settlement(desk)
    path = f"/v1/settlements/{settled['settlement_id']}/receipt"
    is_refused(await desk.get(AUDITOR, path), 409, "NOT_SEALED_YET")
    for path in (f"{AUDIT}/checkpoint", f"{INCLUSION}?position=1", WITNESS):
        is_refused(await desk.get(AUDITOR, path), 409, "NOT_SEALED_YET")
    sealed = (await sealing.seal())["size"]
    await a_settlement(desk, visit="v2")
    head = await desk.context.store.position()
    for path in (
        f"{INCLUSION}?position={head}",
        f"{INCLUSION}?position=1&size={head}",
        f"{CONSISTENCY}?from=1&to={sealed + 1}",
    ):
        is_refused(await desk.get(AUDITOR, path), 409, "NOT_SEALED_YET")
    for path in (f"{INCLUSION}?position={head + 1}", f"{CONSISTENCY}?from=1&to={head + 1}"):
        is_refused(await desk.get(AUDITOR, path), 404, "NOT_FOUND")
    is_refused(await desk.get(AUDITOR, f"{WITNESS}?from={head}"), 404, "NOT_FOUND")
    for path in (
        f"{INCLUSION}?position=0",
        INCLUSION,
        f"{INCLUSION}?position=5&size=4",
        f"{CONSISTENCY}?from=5&to=4",
        f"{CONSISTENCY}?from=0&to=4",
        f"{WITNESS}?from=-1",
    ):
        is_refused(await desk.get(AUDITOR, path), 422, "QUERY_INVALID")


async def test_who_may_ask(sealing: Sealing) -> None:
    """Audit is the auditor's; a receipt also the institution's and the patient's."""
    desk = sealing.desk
    await an_institution(desk, PHARMACY)
    settled = await a_settlement(desk)
    await sealing.seal()
    for path in (f"{AUDIT}/checkpoint", f"{INCLUSION}?position=1", f"{CONSISTENCY}?from=1&to=2"):
        assert 200 == (await desk.get(AUDITOR, path)).status_code
        for who in (HOSPITAL, AGENCY, a_person("P1"), OPERATOR):
            is_refused(await desk.get(who, path), 403, "NOT_PERMITTED")
        is_refused(await desk.front.get(path), 401, "UNAUTHENTICATED")
    receipt = f"/v1/settlements/{settled['settlement_id']}/receipt"
    for who in (AUDITOR, HOSPITAL, a_person("P1")):
        assert 200 == (await desk.get(who, receipt)).status_code
    nowhere = receipt.replace(settled["settlement_id"], f"stl_{'0' * 32}")
    await an_account(desk, "X1")
    for who in (PHARMACY, a_person("X1")):
        foreign = await desk.get(who, receipt)
        is_refused(foreign, 404, "NOT_FOUND")
        assert untraced(foreign) == untraced(await desk.get(who, nowhere))
    is_refused(await desk.get(AUDITOR, "/v1/settlements/x/receipt"), 404, "NOT_FOUND")
    paid = await desk.get(a_person("S1"), f"/v1/settlements/{settled['settlement_id']}")
    assert "paid_by_you" in paid.json()
    for who in (a_person("S1"), AGENCY, OPERATOR):  # a sponsor who paid sees his own part only
        is_refused(await desk.get(who, receipt), 403, "NOT_PERMITTED")
    for who in (a_person("P1"), OPERATOR):
        is_refused(await desk.get(who, WITNESS), 403, "NOT_PERMITTED")


async def test_a_row_that_was_altered_is_never_proven(sealing: Sealing) -> None:
    """Proofs over a changed row stop with LOG_BROKEN instead of leading astray."""
    await sealing.seal()
    await tamper(sealing.pool, "UPDATE events SET state = state || ' ' WHERE position = 3")
    for path in (f"{INCLUSION}?position=3", f"{INCLUSION}?position=4"):
        problem = (await sealing.desk.get(AUDITOR, path)).json()
        assert (500, "LOG_BROKEN") == (problem["status"], problem["code"])


async def bring(desk: Desk, who: Who, signer: Signer, note: str, size: int) -> Any:  # noqa: ANN401
    """Cosign a note, and bring the line."""
    line = signer.cosign(split_note(note)[0], 1_772_418_000)
    body = {"verifier_key": signer.verifier.text(), "size": size, "line": line}
    return await desk.send("PUT", who, COSIGNATURE, body)


async def test_witnesses_sign_what_they_saw_grow(sealing: Sealing) -> None:
    """A hospital and an agency cosign; the newest counts, and what was witnessed shows both.

    Their own looks are accesses: a newer checkpoint over the same rows signs those.
    """
    desk = sealing.desk
    hospital = Signer("hospital-1", bytes(31) + b"\1", WITNESS_KEY)
    agency = Signer("agency-1", bytes(31) + b"\2", WITNESS_KEY)
    first = await sealing.seal()
    seen = await desk.get(HOSPITAL, WITNESS, Accept="text/plain")
    assert f"old 0\n\n{first['checkpoint']}" == seen.text
    await a_settlement(desk)
    second = await sealing.seal()
    told = await desk.get(HOSPITAL, f"{WITNESS}?from={first['size']}")
    root = base64.b64decode(first["root"])
    assert second["size"] == checker.grown(told.json()["proof"], first["keys"][0], root).size
    for who, signer in ((HOSPITAL, hospital), (AGENCY, agency), (HOSPITAL, hospital)):
        done = await bring(desk, who, signer, second["checkpoint"], second["size"])
        is_answered(done, CosignatureReply)
    await bring(desk, HOSPITAL, hospital, first["checkpoint"], first["size"])
    looked = await sealing.seal()
    lines = split_note(looked["witnessed"])[1]

    assert looked["witnessed"].startswith(second["checkpoint"])
    assert (second["size"], second["root"]) == (looked["size"], looked["root"])
    assert ["agency-1", "hospital-1"] == sorted(line.split()[1] for line in lines[1:])
    for note in (looked["checkpoint"], looked["witnessed"]):
        checker.opened(note, first["keys"][0])


async def test_a_signature_that_does_not_hold_is_refused(sealing: Sealing) -> None:
    """Another checkpoint's, another key's, a log key's, an auditor's, or of no checkpoint."""
    desk = sealing.desk
    first = await sealing.seal()
    note, size = first["checkpoint"], first["size"]
    witness = Signer("hospital-1", bytes(31) + b"\1", WITNESS_KEY)
    other = note.replace(f"\n{size}\n", f"\n{size + 1}\n")
    log_key = Signer("hospital-1", bytes(31) + b"\1")
    for signer, signed in ((witness, other), (log_key, note)):
        done = await bring(desk, HOSPITAL, signer, signed, size)
        is_refused(done, 422, "COSIGNATURE_INVALID")
    is_refused(await bring(desk, HOSPITAL, witness, note, size - 1), 404, "NOT_FOUND")
    is_refused(await bring(desk, AUDITOR, witness, note, size), 403, "READ_ONLY_ROLE")
    is_refused(await bring(desk, a_person("P1"), witness, note, size), 403, "NOT_PERMITTED")
    bad = {"verifier_key": "x", "size": size, "line": "\N{EM DASH} a b"}
    is_refused(await desk.send("PUT", HOSPITAL, COSIGNATURE, bad), 422, "COSIGNATURE_INVALID")
    after = await sealing.seal()
    assert (size, first["root"], None) == (after["size"], after["root"], after["witnessed"])
