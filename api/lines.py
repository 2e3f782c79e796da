"""Import lines: the bodies of HTTP with a type, through the same use cases."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from api.accounts import crediting_of, opening_of
from api.bindings import invitation_of
from api.bodies import (
    AccountBody,
    BindingBody,
    Body,
    ClaimBody,
    CreditBody,
    InstitutionBody,
    InstitutionCode,
    Moment,
    PersonNo,
    Word,
)
from api.door import check_members, digest_of
from api.institutions import designation_of
from api.settlements import OPERATION, settling_of
from service import accounts, deduction_order, institutions, register, settle
from service.caller import Request, agency, institution
from service.house import House
from service.ledger.command import Reply

IMPORTER = agency("import", None)
CHANNEL = "import"
Key = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]


class AccountLine(AccountBody):
    """An insured person."""

    type: Literal["account"]


class CreditLine(CreditBody):
    """Money for an account."""

    type: Literal["credit"]
    person_no: PersonNo


class InstitutionLine(InstitutionBody):
    """A designated institution."""

    type: Literal["institution"]


class BindingLine(BindingBody):
    """A binding that was confirmed elsewhere."""

    type: Literal["binding"]
    sponsor: PersonNo
    confirmed_at: Moment
    reference: Word | None = None


class OrderLine(Body):
    """A deduction order."""

    type: Literal["order"]
    beneficiary: PersonNo
    sponsors: tuple[PersonNo, ...]
    reference: Word | None = None


class ClaimLine(ClaimBody):
    """A claim, with its key and its institution."""

    type: Literal["claim"]
    key: Key
    institution: InstitutionCode
    reference: Word | None = None

    def claim(self) -> ClaimBody:
        """The claim as it would be sent over HTTP."""
        members = {name: getattr(self, name) for name in ClaimBody.model_fields}
        return ClaimBody.model_construct(**members)


Line = AccountLine | CreditLine | InstitutionLine | BindingLine | OrderLine | ClaimLine
LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="type")])


async def load_line(house: House, raw: bytes) -> tuple[str, Reply]:
    """Carry out one line; its type and the reply. The same line twice changes nothing.

    Raises:
        ProblemError, ValidationError, RefusalError: a bad line; the rest as `Appender.submit`.
    """
    check_members(raw)
    line = LINE.validate_json(raw)
    return line.type, await _load(house, _request(line), line)


async def _load(house: House, request: Request, line: Line) -> Reply:
    match line:
        case AccountLine():
            return await accounts.open_account(house, request, opening_of(line))
        case CreditLine():
            command = crediting_of(line.person_no, line)
            return await accounts.credit(house, request, command)
        case InstitutionLine():
            return await institutions.designate(house, request, designation_of(line))
        case BindingLine():
            agreed = register.Register(invite=invitation_of(line), confirmed_at=line.confirmed_at)
            return await register.register(house, request, agreed)
        case OrderLine():
            return await deduction_order.change_order(
                house, request, line.beneficiary, line.sponsors, None
            )
        case ClaimLine():
            return await settle.settle(house, request, settling_of(line.claim()))


def _request(line: Line) -> Request:
    """A line as a request: a claim is its institution's, the rest comes from the importer."""
    if isinstance(line, ClaimLine):
        digest = digest_of(OPERATION, line.claim())
        return Request(institution(line.institution), line.key, digest, CHANNEL)
    digest = digest_of(f"import/{line.type}", line)
    key = f"{line.type}:{line.reference or digest.hex()[:32]}"
    return Request(IMPORTER, key, digest, CHANNEL)
