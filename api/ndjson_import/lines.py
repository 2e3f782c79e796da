"""Import lines: HTTP bodies with a type, through the same use cases."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from api.account.filing_routes import filing_of
from api.account.requests import AccountBody, CreditBody, FilingBody, FlagsBody
from api.account.routes import crediting_of, flagging_of, opening_of
from api.binding.kinship_routes import KinshipBody, kinship_of
from api.binding.requests import BindingBody
from api.binding.routes import invitation_of
from api.http.dependencies import digest_of
from api.http.fields import (
    Body,
    IdempotencyKey,
    InstitutionCode,
    Moment,
    PersonNo,
    Reference,
    dated,
)
from api.http.strict_body import check_members
from api.institution import InstitutionBody, designation_of
from api.settlement.requests import ClaimBody
from api.settlement.routes import OPERATION, settling_of
from service import institution as institutions
from service.account import accounts
from service.binding import deduction_order
from service.binding import kinship as relatives
from service.binding import register_confirmed as register
from service.caller import Request, agency, institution
from service.command_batch import QueuedUseCase
from service.settlement import settle

IMPORTER = agency("import", None)
CHANNEL = "import"


class AccountLine(AccountBody):
    """An insured person."""

    type: Literal["account"]

    def item(self) -> QueuedUseCase:
        """Open the account."""
        return QueuedUseCase(accounts.open_account, _request(self), (opening_of(self),))


class CreditLine(CreditBody):
    """Money for an account."""

    type: Literal["credit"]
    person_no: PersonNo

    def item(self) -> QueuedUseCase:
        """Credit the account."""
        money = crediting_of(self.person_no, self)
        return QueuedUseCase(accounts.credit, _request(self), (money,))


class FlagsLine(FlagsBody):
    """The marks on a person."""

    type: Literal["flags"]
    person_no: PersonNo
    reference: Reference | None = None

    def item(self) -> QueuedUseCase:
        """Set the marks."""
        flags = flagging_of(self.person_no, self)
        return QueuedUseCase(accounts.change_flags, _request(self), (flags,))


class InstitutionLine(InstitutionBody):
    """A designated institution."""

    type: Literal["institution"]

    def item(self) -> QueuedUseCase:
        """Designate the institution."""
        return QueuedUseCase(institutions.designate, _request(self), (designation_of(self),))


class BindingLine(BindingBody):
    """A binding that was confirmed elsewhere."""

    type: Literal["binding"]
    sponsor: PersonNo
    beneficiary: PersonNo
    confirmed_at: Moment
    reference: Reference | None = None

    def item(self) -> QueuedUseCase:
        """Register the binding."""
        command = register.Register(invite=invitation_of(self), confirmed_at=self.confirmed_at)
        return QueuedUseCase(register.register, _request(self), (command,))


class KinshipLine(KinshipBody):
    """What `relative` is to `person_no`."""

    type: Literal["kinship"]

    def item(self) -> QueuedUseCase:
        """Record the kinship."""
        return QueuedUseCase(relatives.record_kinship, _request(self), (kinship_of(self),))


class FilingLine(FilingBody):
    """An off-site care filing; both days included."""

    type: Literal["filing"]

    def item(self) -> QueuedUseCase:
        """Record the filing."""
        return QueuedUseCase(accounts.file_elsewhere, _request(self), (filing_of(self),))


class OrderLine(Body):
    """A deduction order."""

    type: Literal["order"]
    beneficiary: PersonNo
    sponsors: tuple[PersonNo, ...]
    reference: Reference | None = None

    def item(self) -> QueuedUseCase:
        """Set the order, whatever the order before."""
        order = (self.beneficiary, self.sponsors, None)
        return QueuedUseCase(deduction_order.change_order, _request(self), order)


class ClaimLine(ClaimBody):
    """A claim, with its key and its institution."""

    type: Literal["claim"]
    key: IdempotencyKey
    institution: InstitutionCode
    reference: Reference | None = None

    def claim(self) -> ClaimBody:
        """The claim as the HTTP body."""
        members = {name: getattr(self, name) for name in ClaimBody.model_fields}
        return ClaimBody.model_construct(**members)

    def item(self) -> QueuedUseCase:
        """Settle the claim."""
        return QueuedUseCase(settle.settle, _request(self), (settling_of(self.claim()),))


ImportLine = (
    AccountLine
    | CreditLine
    | FlagsLine
    | InstitutionLine
    | KinshipLine
    | FilingLine
    | BindingLine
    | OrderLine
    | ClaimLine
)
LINE: TypeAdapter[ImportLine] = TypeAdapter(Annotated[ImportLine, Field(discriminator="type")])


def read_line(raw: bytes, today: date | None = None) -> tuple[str, QueuedUseCase]:
    """A line's type and its request; equal lines have the same key.

    `today` is the business day.

    Raises:
        ProblemError, ValidationError: a bad line.
    """
    check_members(raw)
    line = LINE.validate_json(raw, context=dated(today))
    return line.type, line.item()


def _request(line: ImportLine) -> Request:
    """A line as a request of the importer; a claim is its institution's."""
    if isinstance(line, ClaimLine):
        digest = digest_of(OPERATION, line.claim())
        return Request(institution(line.institution), line.key, digest, CHANNEL)
    digest = digest_of(f"import/{line.type}", line)
    key = f"{line.type}:{line.reference or digest.hex()[:32]}"
    return Request(IMPORTER, key, digest, CHANNEL)
