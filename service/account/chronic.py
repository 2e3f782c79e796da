"""Filings of chronic diseases (2503, 2504, 5301): an institution files, an agency reviews.

An institution's word is a claim: a filing opens no entitlement and ends no binding before an
agency of the person's region granted it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from msgspec import json

from aggregates.account import chronic as rules
from aggregates.account.events import ChronicDiseaseFiled, ChronicDiseaseReviewed
from aggregates.account.fold import evolve
from aggregates.account.state import ChronicFiling
from aggregates.vocabulary import Instant, StreamId
from service.account.accounts import changed
from service.binding.ending import excluded
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.person.free_text import check_names_nobody
from service.person.lookup import find_person, find_readable, own_region
from service.serializers import day
from service.settlement.claims import designated_institution

PREFIX = "cdf"
"""Begins the id of a filing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDisease:
    """A filing; `disease` is a code of the catalogue, both days are included."""

    person_no: str
    disease: str
    name: str
    begins_on: date
    ends_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewFiling:
    """An agency's decision on a filing: granted, or refused or ended."""

    person_no: str
    filing: StreamId
    is_granted: bool
    reason: str


async def file_disease(context: ServiceContext, request: Request, command: FileDisease) -> Reply:
    """Record an institution's filing; the answer is its id, in quotes.

    Raises:
        UnknownError: no such person; FieldInvalidError: the disease's name names a person; the
        refusals of `aggregates.account.chronic.file_disease`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        institution, _ = designated_institution(reads, context.vault, request.caller)
        account_id = find_person(reads, context.vault, command.person_no)
        account = reads.account(account_id)
        check_names_nobody(reads, context.vault, account_id, command.name)
        filed = ChronicDiseaseFiled(
            filing=new_stream(PREFIX, now.at),
            institution=institution,
            disease=command.disease,
            name=command.name,
            begins_on=command.begins_on,
            ends_on=command.ends_on,
        )
        event = rules.file_disease(account, filed, now.on)
        return Decision(answer=f'"{event.filing}"'.encode(), events=[(account_id, event)])

    return await context.do(request, decide)


async def withdraw_filing(
    context: ServiceContext, request: Request, person_no: str, filing: StreamId
) -> Reply:
    """Take back the calling institution's own filing, before an agency granted it.

    Raises:
        UnknownError: no such person or filing; the refusals of
        `aggregates.account.chronic.withdraw_filing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.INSTITUTION)

    def decide(reads: ReadSet, __: Instant) -> Decision:
        institution, _ = designated_institution(reads, context.vault, request.caller)
        account_id = find_person(reads, context.vault, person_no)
        event = rules.withdraw_filing(reads.account(account_id), filing, institution)
        return Decision(answer=b"{}", events=[(account_id, event)])

    return await context.do(request, decide)


async def review_filing(context: ServiceContext, request: Request, command: ReviewFiling) -> Reply:
    """Grant, refuse or end a filing (agency); bindings that the mark excludes end.

    Raises:
        UnknownError: no such filing, or the person is not of the agency's region; the refusals of
        `aggregates.account.chronic.review_filing`; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id, account = own_region(reads, context.vault, request.caller, command.person_no)
        check_names_nobody(reads, context.vault, account_id, command.reason)
        review = ChronicDiseaseReviewed(
            filing=command.filing, is_granted=command.is_granted, reason=command.reason
        )
        decided = rules.review_filing(account, review, now.on)
        events: StreamEvents = [(account_id, event) for event in decided]
        if decided[1:]:
            marked = evolve(account, decided[-1])
            events += excluded(reads, context.vault, marked, command.reason, now)
        return changed(reads, (account_id, account), events, now)

    return await context.do(request, decide)


async def look_at_filings(context: ServiceContext, caller: Caller, person_no: str) -> Reply:
    """The filings under review or granted (the person, its agency, auditors).

    Raises:
        UnknownError: no such person, or not the caller's.
    """
    check_role(caller, Role.AGENCY, Role.PERSON, Role.AUDITOR)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_readable(reads, context.vault, caller, person_no, now)
        items = [_item(filed) for filed in reads.account(account_id).chronic]
        return Decision(answer=json.encode({"items": items}))

    return await context.ask(caller, decide)


def _item(filed: ChronicFiling) -> dict[str, str | None]:
    return {
        "filing_id": filed.filing,
        "institution_id": filed.institution,
        "disease": filed.disease,
        "name": filed.name,
        "from": day(filed.begins_on),
        "to": day(filed.ends_on),
        "status": "granted" if filed.is_granted else "in_review",
    }


async def filings_in_force(
    context: ServiceContext, caller: Caller, person_no: str
) -> Sequence[ChronicFiling]:
    """The filings that an agency granted and that are valid today (institution).

    Raises:
        UnknownError: no such person.
    """
    check_role(caller, Role.INSTITUTION)

    def query(reads: ReadSet, now: Instant) -> Sequence[ChronicFiling]:
        designated_institution(reads, context.vault, caller)
        account = reads.account(find_person(reads, context.vault, person_no))
        return tuple(rules.in_force(account, now.on))

    return await context.read(caller, query)
