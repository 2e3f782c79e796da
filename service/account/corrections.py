"""Correct a wrong balance (更正): one agency clerk proposes, another one decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates.account import correction as rules
from aggregates.account.correction import Correction, CorrectionEvent
from aggregates.vocabulary import Bucket, CorrectionStatus, Instant, StreamId
from projections import binding as binding_models
from projections.account import corrections as correction_models
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import own_region
from service.person.masking import persons_of
from service.read_models.reader import PageRequest, PageResult, ReadModels, only, reach, states_of
from service.request_context import note
from service.serializers import signed_yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeCorrection:
    """A correction to propose: positive if money is missing, negative if there is too much."""

    person_no: str
    bucket: Bucket
    amount_fen: int
    reason: str
    reference: str | None


async def propose(context: ServiceContext, request: Request, command: ProposeCorrection) -> Reply:
    """Propose a correction of an account in the agency's region; no money moves.

    Raises:
        RefusalError: refused for its input; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    wrong = rules.BalanceError(
        command.bucket, command.amount_fen, command.reason, command.reference
    )

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        check_names_nobody(reads, context.vault, account_id, wrong.reason)
        correction_id = new_stream("cor", now.at)
        event = rules.propose(account_id, account, wrong, request.caller.name, now)
        return _decision(reads, correction_id, None, [(correction_id, event)])

    return await context.do(request, decide)


async def approve(context: ServiceContext, request: Request, correction_id: StreamId) -> Reply:
    """Approve a correction that another clerk proposed; the money moves in the same append.

    Raises:
        UnknownError: there is none, or it is another region's; the rest as `Appender.submit`.
    """

    def events(reads: ReadSet, correction: Correction, now: Instant) -> StreamEvents:
        account_id = correction.proposed.account
        account = reads.account(account_id)
        by = request.caller.name
        approved, corrected = rules.approve(correction_id, correction, account, by, now)
        return [(correction_id, approved), (account_id, corrected)]

    return await _decide(context, request, correction_id, events)


async def reject(
    context: ServiceContext, request: Request, correction_id: StreamId, reason: str
) -> Reply:
    """Reject a correction that another clerk proposed; it raises as `approve`."""

    def events(reads: ReadSet, correction: Correction, _: Instant) -> StreamEvents:
        check_names_nobody(reads, context.vault, correction.proposed.account, reason)
        return [(correction_id, rules.reject(correction, request.caller.name, reason))]

    return await _decide(context, request, correction_id, events)


async def look_at_correction(
    context: ServiceContext, caller: Caller, correction_id: StreamId
) -> Reply:
    """A correction as of now: for its region's agency and auditors, else UnknownError."""
    check_role(caller, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        correction = _in_region(reads, caller, correction_id)
        return _decision(reads, correction_id, correction, [])

    return await context.ask(caller, decide)


async def corrections_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    status: str | None,
    page: PageRequest,
) -> PageResult:
    """Corrections, newest first: of an agency's region; all for the national one and auditors.

    A read model lists them; their states are read from the log.

    Raises:
        CursorInvalidError: not a cursor; ValueError: no such status.
    """
    check_role(caller, Role.AGENCY, Role.AUDITOR)
    selection = correction_models.CorrectionFilter(
        region=caller.region if caller.role is Role.AGENCY else None,
        status=CorrectionStatus(status) if status else None,
        cursor=page.cursor,
        limit=page.limit,
    )
    tables = (correction_models.TABLE, binding_models.TABLE)
    position = await reach(context, read_models, page, *tables)
    rows, following = await correction_models.listed(read_models.pool, selection)
    streams = [row.correction for row in rows]
    note(streams)
    states = only(Correction, await states_of(context, streams))
    persons = await persons_of(context, [row.account for row in rows])

    def item(row: correction_models.CorrectionRow) -> dict[str, Any]:
        person = persons.get(row.account)
        answer = _answer(row.correction, states[row.correction])
        return answer | {"person_no": person and person.person_no, "position": row.position}

    return PageResult([item(row) for row in rows], following, position)


def account_in(answer: bytes) -> StreamId:
    """The account id in a correction's stored answer."""
    account: StreamId = json.decode(answer)["person_no"]
    return account


async def _decide(
    context: ServiceContext,
    request: Request,
    correction_id: StreamId,
    events: Callable[[ReadSet, Correction, Instant], StreamEvents],
) -> Reply:
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        correction = _in_region(reads, request.caller, correction_id)
        return _decision(reads, correction_id, correction, events(reads, correction, now))

    return await context.do(request, decide)


def _in_region(reads: ReadSet, caller: Caller, correction_id: StreamId) -> Correction:
    """A correction of the caller's region; another region's looks unknown."""
    correction = reads.correction(correction_id)
    check_region(caller, reads.account(correction.proposed.account))
    return correction


def _decision(
    reads: ReadSet, correction_id: StreamId, correction: Correction | None, events: StreamEvents
) -> Decision:
    """Append events, and answer with the correction after them; `person_no` is an account id."""
    version = 0 if correction is None else reads.version(correction_id)
    for stream, event in events:
        if stream == correction_id:
            assert isinstance(event, CorrectionEvent), "a correction's stream has no other events"
            correction = rules.evolve(correction, event)
            version += 1
    assert correction is not None, "a correction begins with CorrectionProposed"
    answer = _answer(correction_id, correction) | {"version": version}
    return Decision(answer=json.encode(answer), events=events)


def _answer(correction_id: StreamId, correction: Correction) -> dict[str, Any]:
    proposed = correction.proposed
    return {
        "correction_id": correction_id,
        "person_no": proposed.account,
        "bucket": correction.bucket,
        "amount": signed_yuan(proposed.amount_fen),
        "reason": proposed.reason,
        "reference": proposed.reference,
        "status": correction.status,
        "proposed_by": proposed.by,
        "proposed_on": proposed.on.isoformat(),
        "decided_by": correction.decided_by,
        "rejection": correction.why,
    }
