"""Put a wrong balance right (更正): one of the agency proposes, another of it decides."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec import json

from aggregates.account import correction as rules
from aggregates.account.correction import BalanceError, Correction, CorrectionEvent
from aggregates.vocabulary import Bucket, CorrectionStatus, Instant, StreamId
from projections import binding as binding_views
from projections.account import corrections as correction_views
from service.caller import Caller, Request, Role, check_region, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import find_person
from service.person.masking import persons_of
from service.read_models.reader import PageRequest, PageResult, ReadModels, only, reach, states_of
from service.request_context import note
from service.serializers import signed_yuan


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeCorrection:
    """What is wrong with a person's balance."""

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
    wrong = BalanceError(command.bucket, command.amount_fen, command.reason, command.reference)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_person(reads, context.vault, command.person_no)
        account = reads.account(account_id)
        check_region(request.caller, account)
        check_names_nobody(reads, context.vault, account_id, wrong.reason)
        correction_id = new_stream("cor", now.at)
        event = rules.propose(account_id, account, wrong, request.caller.name, now)
        return _answered(reads, correction_id, None, [(correction_id, event)])

    return await context.do(request, decide)


async def approve(context: ServiceContext, request: Request, correction_id: StreamId) -> Reply:
    """Agree to a correction that somebody else proposed; the money moves with it.

    Raises:
        UnknownError: there is none, or it is another region's; the rest as `Appender.submit`.
    """

    def move(reads: ReadSet, correction: Correction, now: Instant) -> StreamEvents:
        account_id = correction.proposed.account
        account = reads.account(account_id)
        by = request.caller.name
        approved, corrected = rules.approve(correction_id, correction, account, by, now)
        return [(correction_id, approved), (account_id, corrected)]

    return await _decided(context, request, correction_id, move)


async def reject(
    context: ServiceContext, request: Request, correction_id: StreamId, reason: str
) -> Reply:
    """Do not agree to a correction that somebody else proposed.

    Raises:
        As `approve`.
    """

    def move(reads: ReadSet, correction: Correction, _: Instant) -> StreamEvents:
        check_names_nobody(reads, context.vault, correction.proposed.account, reason)
        return [(correction_id, rules.reject(correction, request.caller.name, reason))]

    return await _decided(context, request, correction_id, move)


async def look_at_correction(
    context: ServiceContext, caller: Caller, correction_id: StreamId
) -> Reply:
    """A correction as the log has it now: for its region's agency, and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.AGENCY, Role.AUDITOR)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        correction = _near(reads, caller, correction_id)
        return _answered(reads, correction_id, correction, [])

    return await context.ask(caller, decide)


async def corrections_of(
    context: ServiceContext,
    read_models: ReadModels,
    caller: Caller,
    status: str | None,
    asked: PageRequest,
) -> PageResult:
    """The corrections of an agency's region, or all for the nation's and auditors, newest first.

    Which they are the lists say; how each stands is told as the log has it now.

    Raises:
        CursorInvalidError: not a cursor; ValueError: no such status.
    """
    check_role(caller, Role.AGENCY, Role.AUDITOR)
    wanted = correction_views.CorrectionFilter(
        region=caller.region if caller.role is Role.AGENCY else None,
        status=CorrectionStatus(status) if status else None,
        cursor=asked.cursor,
        limit=asked.limit,
    )
    position = await reach(context, read_models, asked, correction_views.TABLE, binding_views.TABLE)
    page = await correction_views.listed(read_models.pool, wanted)
    note([row.correction for row in page.rows])
    found = only(Correction, await states_of(context, [row.correction for row in page.rows]))
    persons = await persons_of(context, [row.account for row in page.rows])
    items = [
        _told(row.correction, found[row.correction])
        | {"person_no": (known := persons.get(row.account)) and known.person_no}
        | {"position": row.position}
        for row in page.rows
    ]
    return PageResult(items, page.next, position)


def account_in(answer: bytes) -> StreamId:
    """The account id in a correction's answer."""
    account: StreamId = json.decode(answer)["person_no"]
    return account


async def _decided(
    context: ServiceContext,
    request: Request,
    correction_id: StreamId,
    move: Callable[[ReadSet, Correction, Instant], StreamEvents],
) -> Reply:
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        correction = _near(reads, request.caller, correction_id)
        return _answered(reads, correction_id, correction, move(reads, correction, now))

    return await context.do(request, decide)


def _near(reads: ReadSet, caller: Caller, correction_id: StreamId) -> Correction:
    """A correction of the caller's region; a foreign one looks like none."""
    correction = reads.correction(correction_id)
    check_region(caller, reads.account(correction.proposed.account))
    return correction


def _answered(
    reads: ReadSet, correction_id: StreamId, correction: Correction | None, moved: StreamEvents
) -> Decision:
    """A correction as it is after these events; its account stands as an id."""
    version = 0 if correction is None else reads.version(correction_id)
    for stream, event in moved:
        if stream == correction_id:
            assert isinstance(event, CorrectionEvent), "a correction's stream has no other events"
            correction = rules.evolve(correction, event)
            version += 1
    assert correction is not None, "a correction begins with CorrectionProposed"
    answer = _told(correction_id, correction) | {"version": version}
    return Decision(answer=json.encode(answer), events=moved)


def _told(correction_id: StreamId, correction: Correction) -> dict[str, Any]:
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
