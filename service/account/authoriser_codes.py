"""A sponsor's own code, which opens his account for one bill (regions.md §4 row 18)."""

from msgspec import json

from aggregates.account import decisions as rules
from aggregates.vocabulary import Instant
from service.caller import Request, Role, check_role
from service.context import ServiceContext
from service.ledger.command import Decision, Reply
from service.ledger.read_set import ReadSet
from service.person.lookup import find_person
from service.serializers import moment
from service.settlement.claims import code_digest


async def show_authoriser_code(context: ServiceContext, request: Request) -> Reply:
    """Show the calling person's code; the one shown before it holds no more.

    The code is derived from the ledger's key and this request, so that a repeated request gets
    the same code. Only its keyed digest is stored.

    Raises:
        NotPermittedError: the caller is no person; AccountEndedError; as `Appender.submit`.
    """
    check_role(request.caller, Role.PERSON)
    token = context.vault.token(f"authorise\0{request.caller.name}\0{request.key}")
    digest = code_digest(context.vault, token)

    def decide(reads: ReadSet, now: Instant) -> Decision:
        account_id = find_person(reads, context.vault, request.caller.subject)
        shown = rules.show_code(reads.account(account_id), digest, now)
        answer = json.encode({"expires_at": moment(shown.expires_at)})
        return Decision(answer=answer, events=[(account_id, shown)])

    reply = await context.do(request, decide)
    if reply.refusal is not None:
        return reply
    return reply._replace(answer=json.encode(json.decode(reply.answer) | {"code": token}))
