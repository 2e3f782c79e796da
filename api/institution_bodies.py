"""What may be sent of an institution: its particulars, its dialect, and how it signs."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.bodies import Body, InstitutionCode, RegionCode, Text, Word


class DialectBody(Body):
    """How an institution's system writes and reads; what is not sent stays as it was."""

    mulaid_mode: Literal["contained", "beside"] | None = None
    fund_includes_acct: bool | None = None
    numbers: bool | None = None
    stmt_rslt: Literal["national", "hubei"] | None = None


class SignatureBody(Body):
    """How an institution signs; a secret that is not sent stays as it was.

    With `sm2` the secret is the institution's public key in hex, and the service needs its extra.
    """

    style: Literal["x-tif", "csb", "x-ca", "sm2", "none"]
    paasid: Word | None = None
    secret: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,200}$")] | None = None


class InstitutionBody(Body):
    """A designated institution."""

    code: InstitutionCode
    name: Text
    class_: Literal["hospital", "pharmacy", "checkup"] = Field(alias="class")
    region: RegionCode
    status: Literal["active", "suspended", "ended"] = "active"
    opened_regions: tuple[RegionCode, ...] = ()
    sensitive: bool = False
    dialect: DialectBody | None = None
    signature: SignatureBody | None = None
    reference: Word | None = None
