"""Show a member's code."""

from msgspec import json

from aggregates.credential_link import decisions as rules
from aggregates.vocabulary import StreamId
from service.caller import Request
from service.context import ServiceContext
from service.credential_link.inputs import LinkInputs, change_link
from service.ledger.command import Decision, Reply
from service.person.credentials import E_CREDENTIAL
from service.serializers import moment


async def show_code(context: ServiceContext, request: Request, link_id: StreamId) -> Reply:
    """Show the code as the guardian or an agency; it is valid for `CODE_LIFE`.

    The code is derived from the ledger's key and this request, so that a repeated request gets
    the same code. Only its keyed digest is stored.

    Raises:
        UnknownError: no such link, or not the caller's; NotPermittedError: the caller is the
        member; the refusals of `check_active` and `show_code` of
        `aggregates.credential_link.decisions`; the rest as `Appender.submit`.
    """
    vault = context.vault
    token = vault.token(f"{link_id}\0{request.caller.name}\0{request.key}")
    name = vault.name(E_CREDENTIAL, token)

    def decide(inputs: LinkInputs) -> Decision:
        on_behalf_of = inputs.check_side(inputs.link.guardian)
        rules.check_active(inputs.link, inputs.born_on(), inputs.now.on)
        shown = rules.show_code(inputs.link, inputs.accounts(), name.hex(), inputs.now)
        answer = {"link_id": link_id, "expires_at": moment(shown.expires_at)}
        return Decision(
            answer=json.encode(answer),
            events=[(link_id, shown)],
            takes={name: link_id},
            on_behalf_of=on_behalf_of,
        )

    reply = await change_link(context, request, link_id, decide)
    if reply.refusal is not None:
        return reply
    return reply._replace(answer=json.encode(json.decode(reply.answer) | {"code": token}))
