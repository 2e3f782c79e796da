"""Import lines: the bodies of HTTP with a type, through the same use cases."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, TypeAdapter

from aggregates.vocabulary import FilingKind, Relation
from api.accounts import crediting_of, opening_of
from api.bindings import invitation_of
from api.bodies import (
    AccountBody,
    BindingBody,
    Body,
    ClaimBody,
    CreditBody,
    Day,
    InstitutionBody,
    InstitutionCode,
    Moment,
    PersonNo,
    RegionCode,
    RelationWord,
    Word,
)
from api.door import check_members, digest_of
from api.institutions import designation_of
from api.settlements import OPERATION, settling_of
from service import accounts, deduction_order, institutions, register, relatives, settle
from service.caller import Request, agency, institution
from service.house import House
from service.ledger.command import Reply

IMPORTER = agency("import", None)
CHANNEL = "import"
Key = Annotated[str, StringConstraints(pattern=r"^[ -~]{1,64}$")]


class AccountLine(AccountBody):
    """An insured person."""

    type: Literal["account"]

    async def load(self, house: House, request: Request) -> Reply:
        """Open the account."""
        return await accounts.open_account(house, request, opening_of(self))


class CreditLine(CreditBody):
    """Money for an account."""

    type: Literal["credit"]
    person_no: PersonNo

    async def load(self, house: House, request: Request) -> Reply:
        """Bring the money in."""
        return await accounts.credit(house, request, crediting_of(self.person_no, self))


class InstitutionLine(InstitutionBody):
    """A designated institution."""

    type: Literal["institution"]

    async def load(self, house: House, request: Request) -> Reply:
        """Designate the institution."""
        return await institutions.designate(house, request, designation_of(self))


class BindingLine(BindingBody):
    """A binding that was confirmed elsewhere."""

    type: Literal["binding"]
    sponsor: PersonNo
    confirmed_at: Moment
    reference: Word | None = None

    async def load(self, house: House, request: Request) -> Reply:
        """Register the binding."""
        command = register.Register(invite=invitation_of(self), confirmed_at=self.confirmed_at)
        return await register.register(house, request, command)


class KinshipLine(Body):
    """What `relative` is to `person_no`."""

    type: Literal["kinship"]
    person_no: PersonNo
    relative: PersonNo
    relation: RelationWord
    reference: Word | None = None

    async def load(self, house: House, request: Request) -> Reply:
        """Enter the fact."""
        relation = Relation(self.relation.upper())
        fact = relatives.RecordKinship(
            person_no=self.person_no, relative=self.relative, relation=relation
        )
        return await relatives.record_kinship(house, request, fact)


class FilingLine(Body):
    """An off-site care filing; both days included."""

    type: Literal["filing"]
    person_no: PersonNo
    place: RegionCode
    kind: Literal["long_term", "temporary"]
    from_: Day = Field(alias="from")
    to: Day | None = None
    reference: Word | None = None

    async def load(self, house: House, request: Request) -> Reply:
        """Note the filing."""
        filing = accounts.FileElsewhere(
            person_no=self.person_no,
            place=self.place,
            kind=FilingKind(self.kind.upper()),
            from_on=self.from_,
            until_on=self.to,
        )
        return await accounts.file_elsewhere(house, request, filing)


class OrderLine(Body):
    """A deduction order."""

    type: Literal["order"]
    beneficiary: PersonNo
    sponsors: tuple[PersonNo, ...]
    reference: Word | None = None

    async def load(self, house: House, request: Request) -> Reply:
        """Set the order, whatever it was before."""
        return await deduction_order.change_order(
            house, request, self.beneficiary, self.sponsors, None
        )


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

    async def load(self, house: House, request: Request) -> Reply:
        """Settle the claim."""
        return await settle.settle(house, request, settling_of(self.claim()))


Line = (
    AccountLine
    | CreditLine
    | InstitutionLine
    | KinshipLine
    | FilingLine
    | BindingLine
    | OrderLine
    | ClaimLine
)
LINE: TypeAdapter[Line] = TypeAdapter(Annotated[Line, Field(discriminator="type")])


async def load_line(house: House, raw: bytes) -> tuple[str, Reply]:
    """Carry out one line; its type and the reply. The same line twice changes nothing.

    Raises:
        ProblemError, ValidationError, RefusalError: a bad line; the rest as `Appender.submit`.
    """
    check_members(raw)
    line = LINE.validate_json(raw)
    return line.type, await line.load(house, _request(line))


def _request(line: Line) -> Request:
    """A line as a request: a claim is its institution's, the rest comes from the importer."""
    if isinstance(line, ClaimLine):
        digest = digest_of(OPERATION, line.claim())
        return Request(institution(line.institution), line.key, digest, CHANNEL)
    digest = digest_of(f"import/{line.type}", line)
    key = f"{line.type}:{line.reference or digest.hex()[:32]}"
    return Request(IMPORTER, key, digest, CHANNEL)
