"""Designate institutions, and read them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from msgspec import json

from aggregates.institution import (
    FIRST_DIALECT,
    Dialect,
    Institution,
    InstitutionDesignated,
    Particulars,
    Signature,
    evolve,
    stated,
)
from aggregates.refusals import FieldRequiredError, UnknownError
from aggregates.vocabulary import (
    AccountFlag,
    Instant,
    MulaidMode,
    SignatureStyle,
    StatementWords,
    StreamId,
)
from projections import institution as institution_views
from service.caller import Caller, Request, Role, check_role, is_foreign
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply, StreamEvents
from service.ledger.read_set import ReadSet
from service.policy import publish_area
from service.read_models.reader import (
    PageRequest,
    PageResult,
    ReadModels,
    only,
    reach,
    states_of,
)
from service.request_context import note
from service.vault import Vault


class DialectUpdate(NamedTuple):
    """Changes to an institution's dialect; None leaves a field unchanged."""

    mulaid_mode: MulaidMode | None = None
    fund_includes_acct: bool | None = None
    numbers: bool | None = None
    stmt_rslt: StatementWords | None = None
    nulls: bool | None = None
    acct_used_flag: AccountFlag | None = None


UNSAID = DialectUpdate()
SECRET_MISSING = {"field": "signature.secret", "code": "FIELD_REQUIRED"}


@dataclass(frozen=True, slots=True)
class Signing:
    """How an institution is to sign; a secret that is None is left unchanged."""

    style: SignatureStyle
    paasid: str | None
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Designate(Particulars):
    """An agreement to make or change. Without a `signature` the signature is left unchanged."""

    dialect: DialectUpdate = UNSAID
    signature: Signing | None = None


async def designate(context: ServiceContext, request: Request, command: Designate) -> Reply:
    """Put an institution under agreement, or change it. Without a change there is no event.

    Raises:
        FieldRequiredError: it would sign without a secret; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault
    name = vault.name("institution", command.code)
    command = _in_area(command, context.policies.pooling_area)
    await publish_area(context, command.region)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        if is_foreign(request.caller, command.region):
            raise UnknownError(what="region")
        stream = reads.find(name)
        before = reads.institution(stream) if stream else None
        if before is not None and is_foreign(request.caller, before.region):
            raise UnknownError
        version = reads.version(stream) if stream else 0
        takes = {}
        if stream is None:
            stream = takes[name] = new_stream("ins", now.at)
        base = before.dialect if before else FIRST_DIALECT
        signature, sealed = _signing(vault, stream, before, command.signature)
        event = InstitutionDesignated(
            **stated(command),
            dialect=_updated(base, command.dialect),
            signature=signature,
            sealed=sealed,
        )
        after = evolve(before, event)
        events: StreamEvents = [] if after == before else [(stream, event)]
        answer = json.encode(_answer(after, version + len(events)))
        return Decision(answer=answer, events=events, takes=takes)

    return await context.do(request, decide)


def _in_area(command: Designate, area_of: Callable[[str], str]) -> Designate:
    """An agreement with pooling areas for the codes given; its own code is kept beside."""
    area = area_of(command.region)
    return replace(
        command,
        region=area,
        place_code="" if command.region == area else command.region,
        opened_regions=tuple(dict.fromkeys(area_of(code) for code in command.opened_regions)),
    )


async def look_at_institution(context: ServiceContext, caller: Caller, code: str) -> Reply:
    """An institution as of now, if `find_institution` finds it for the caller."""
    check_role(caller, Role.AGENCY, Role.INSTITUTION, Role.AUDITOR)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream, institution = find_institution(reads, context.vault, caller, code)
        return Decision(answer=json.encode(_answer(institution, reads.version(stream))))

    return await context.ask(caller, decide)


async def institutions_of_region(
    context: ServiceContext, read_models: ReadModels, caller: Caller, page_request: PageRequest
) -> PageResult:
    """The institutions of an agency's region, or of all for the nation's agency and auditors.

    Raises:
        CursorInvalidError: not a cursor.
    """
    check_role(caller, Role.AGENCY, Role.AUDITOR)
    position = await reach(context, read_models, page_request, institution_views.TABLE)
    page = await institution_views.of_region(
        read_models.pool, caller.region, page_request.cursor, page_request.limit
    )
    streams = [row.institution for row in page.rows]
    note(streams)
    known = only(Institution, await states_of(context, streams))
    items = [_listed(stream, known[stream]) for stream in streams]
    return PageResult(items, page.next, position)


def _listed(stream: StreamId, institution: Institution) -> dict[str, Any]:
    return {
        "institution_id": stream,
        "code": institution.code,
        "name": institution.name,
        "class": institution.kind,
        "region": institution.region,
        "status": institution.status,
    }


def find_institution(
    reads: ReadSet, vault: Vault, caller: Caller, code: str
) -> tuple[StreamId, Institution]:
    """The institution of a code: for itself, its region's or the national agency, and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    if caller.role is Role.INSTITUTION and caller.subject != code:
        raise UnknownError
    stream = reads.find(vault.name("institution", code))
    if stream is None:
        raise UnknownError
    institution = reads.institution(stream)
    if caller.role is Role.AGENCY and is_foreign(caller, institution.region):
        raise UnknownError
    return stream, institution


class InstitutionAsOf(NamedTuple):
    """An institution as of an instant."""

    stream: StreamId
    institution: Institution
    now: Instant


async def see_institution(context: ServiceContext, caller: Caller, code: str) -> InstitutionAsOf:
    """As `find_institution`, read in the log's order: every earlier decision is included."""

    def query(reads: ReadSet, now: Instant) -> InstitutionAsOf:
        return InstitutionAsOf(*find_institution(reads, context.vault, caller, code), now)

    return await context.read(caller, query)


def _answer(institution: Institution, version: int) -> dict[str, Any]:
    return {
        "code": institution.code,
        "name": institution.name,
        "class": institution.kind,
        "region": institution.region,
        "status": institution.status,
        "opened_regions": list(institution.opened_regions),
        "sensitive": institution.sensitive,
        "level": institution.hospital_level or None,
        "dialect": asdict(institution.dialect),
        "signature": _signature_answer(institution),
        "version": version,
    }


def _signature_answer(institution: Institution) -> dict[str, Any] | None:
    """The signature, with whether there is a secret instead of the secret."""
    if institution.signature is None:
        return None
    return asdict(institution.signature) | {"has_secret": institution.sealed is not None}


def _updated(base: Dialect, update: DialectUpdate) -> Dialect:
    changes: dict[str, Any] = {n: v for n, v in update._asdict().items() if v is not None}
    return replace(base, **changes)


def _signing(
    vault: Vault, stream: StreamId, before: Institution | None, update: Signing | None
) -> tuple[Signature | None, str | None]:
    """The new signature of an institution, and its secret, sealed under the stream's id.

    Raises:
        FieldRequiredError: there is no secret, so anybody could sign.
    """
    sealed = before.sealed if before else None
    if update is None:
        return before.signature if before else None, sealed
    signature = Signature(style=update.style, paasid=update.paasid)
    if update.style is SignatureStyle.NONE:
        return signature, None
    secret = "" if sealed is None else vault.unseal_secret(sealed, stream)
    if not (update.secret or secret):
        raise FieldRequiredError(errors=[SECRET_MISSING])
    if update.secret in (None, "", secret):
        return signature, sealed
    return signature, vault.seal_secret(update.secret, stream)
