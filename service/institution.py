"""Designate institutions, and look at them."""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from msgspec import json

from aggregates.institution import (
    Dialect,
    Institution,
    InstitutionDesignated,
    Signature,
    evolve,
    first_dialect,
)
from aggregates.policy.choices import AmountSemantics
from aggregates.refusals import FieldRequiredError, NoEditionError, UnknownError
from aggregates.topics import Event
from aggregates.vocabulary import (
    Instant,
    InstitutionKind,
    InstitutionStatus,
    MulaidMode,
    SignatureStyle,
    StatementWords,
    StreamId,
)
from service.caller import Caller, Request, Role, check_role
from service.clock import new_stream
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.policy import edition_in_force
from service.vault import Vault


class DialectUpdate(NamedTuple):
    """What is said of an institution's dialect; None leaves it as it was."""

    mulaid_mode: MulaidMode | None = None
    fund_includes_acct: bool | None = None
    numbers: bool | None = None
    stmt_rslt: StatementWords | None = None


UNSAID = DialectUpdate()
SECRET_MISSING = {"field": "signature.secret", "code": "FIELD_REQUIRED"}


@dataclass(frozen=True, slots=True)
class Signing:
    """How an institution is to sign. A secret that is None stays as it was."""

    style: SignatureStyle
    paasid: str | None
    secret: str | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Designate:
    """An institution's particulars and whether its agreement is in force.

    Without a `signature` it signs as before.
    """

    code: str
    name: str
    kind: InstitutionKind
    region: str
    status: InstitutionStatus
    opened_regions: tuple[str, ...]
    sensitive: bool
    dialect: DialectUpdate = UNSAID
    signature: Signing | None = None


async def designate(context: ServiceContext, request: Request, command: Designate) -> Reply:
    """Put an institution under agreement, or change it; what is so already is no event.

    Raises:
        FieldRequiredError: it would sign without a secret; the rest as `Appender.submit`.
    """
    check_role(request.caller, Role.AGENCY)
    vault = context.vault
    name = vault.name("institution", command.code)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        if request.caller.region not in (None, command.region):
            raise UnknownError(what="region")
        stream = reads.find(name)
        before = reads.institution(stream) if stream else None
        if before is not None and request.caller.region not in (None, before.region):
            raise UnknownError
        version = reads.version(stream) if stream else 0
        takes = {}
        if stream is None:
            stream = takes[name] = new_stream("ins", now.at)
        base = before.dialect if before else _first_dialect(reads, vault, command.region, now)
        signature, sealed = _signing(vault, stream, before, command.signature)
        event = InstitutionDesignated(
            code=command.code,
            name=command.name,
            kind=command.kind,
            region=command.region,
            status=command.status,
            opened_regions=command.opened_regions,
            sensitive=command.sensitive,
            dialect=_spoken(base, command.dialect),
            signature=signature,
            sealed=sealed,
        )
        after = evolve(before, event)
        events: list[tuple[StreamId, Event]] = [] if after == before else [(stream, event)]
        answer = json.encode(_answer(after, version + len(events)))
        return Decision(answer=answer, events=events, takes=takes)

    return await context.do(request, decide)


async def look_at_institution(context: ServiceContext, caller: Caller, code: str) -> Reply:
    """An institution as the log has it now: for itself, agencies and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    check_role(caller, Role.AGENCY, Role.INSTITUTION, Role.AUDITOR)

    def decide(reads: ReadSet, _: Instant) -> Decision:
        stream, institution = find_institution(reads, context.vault, caller, code)
        return Decision(answer=json.encode(_answer(institution, reads.version(stream))))

    return await context.ask(caller, decide)


def find_institution(
    reads: ReadSet, vault: Vault, caller: Caller, code: str
) -> tuple[StreamId, Institution]:
    """The institution of a code, for itself, its region's agency, the nation's, and auditors.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """
    if caller.role is Role.INSTITUTION and caller.subject != code:
        raise UnknownError
    stream = reads.find(vault.name("institution", code))
    if stream is None:
        raise UnknownError
    institution = reads.institution(stream)
    if caller.role is Role.AGENCY and caller.region not in (None, institution.region):
        raise UnknownError
    return stream, institution


class InstitutionAsOf(NamedTuple):
    """An institution as the log has it at an instant."""

    stream: StreamId
    institution: Institution
    now: Instant


async def see_institution(context: ServiceContext, caller: Caller, code: str) -> InstitutionAsOf:
    """As `find_institution`, beside the log: all that was decided here before is in it.

    Raises:
        UnknownError: there is none, or it is not the caller's.
    """

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
        "dialect": asdict(institution.dialect),
        "signature": _signature_answer(institution),
        "version": version,
    }


def _signature_answer(institution: Institution) -> dict[str, Any] | None:
    """How it signs; of the secret only whether there is one."""
    if institution.signature is None:
        return None
    return asdict(institution.signature) | {"has_secret": institution.sealed is not None}


def _first_dialect(reads: ReadSet, vault: Vault, region: str, now: Instant) -> Dialect:
    """What a new institution speaks; where its region has no rules yet, the national way."""
    try:
        semantics = edition_in_force(reads, vault, region, now).amount_semantics
    except NoEditionError:
        semantics = AmountSemantics.INCLUDED
    return first_dialect(semantics)


def _spoken(base: Dialect, said: DialectUpdate) -> Dialect:
    """A dialect with what is said of it in place of what was."""
    changes: dict[str, Any] = {n: v for n, v in said._asdict().items() if v is not None}
    return replace(base, **changes)


def _signing(
    vault: Vault, stream: StreamId, before: Institution | None, said: Signing | None
) -> tuple[Signature | None, str | None]:
    """How an institution signs from now on, and its secret, sealed under its stream's id.

    Raises:
        FieldRequiredError: there is none, and anybody's signature would be as good.
    """
    kept = before.sealed if before else None
    if said is None:
        return before.signature if before else None, kept
    signature = Signature(style=said.style, paasid=said.paasid)
    if said.style is SignatureStyle.NONE:
        return signature, None
    known = "" if kept is None else vault.unseal_secret(kept, stream)
    if not (said.secret or known):
        raise FieldRequiredError(errors=[SECRET_MISSING])
    if said.secret in (None, "", known):
        return signature, kept
    return signature, vault.seal_secret(said.secret, stream)
