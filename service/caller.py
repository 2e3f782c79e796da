"""The caller: its role, its identity, and what it may touch."""

from enum import StrEnum
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.refusals import NotPermittedError, UnknownError
from service.vault import Vault


class Role(StrEnum):
    """What the holder of a token is."""

    AGENCY = "agency"
    INSTITUTION = "institution"
    PERSON = "person"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Caller(NamedTuple):
    """The holder of a token. `subject` is an institution code or a person number.

    `name` stands for the caller in events and keys, and contains no personal data.
    """

    role: Role
    subject: str
    region: str | None
    name: str


class Request(NamedTuple):
    """A call that changes something: its caller, key, body digest and channel."""

    caller: Caller
    key: str
    digest: bytes
    channel: str


def person(vault: Vault, person_no: str) -> Caller:
    """A person as a caller, named by the keyed digest that finds the account."""
    name = f"person:{vault.name('person_no', person_no).hex()[:32]}"
    return Caller(Role.PERSON, person_no, None, name)


def institution(code: str) -> Caller:
    """An institution as a caller."""
    return Caller(Role.INSTITUTION, code, None, f"institution:{code}")


def agency(subject: str, region: str | None) -> Caller:
    """An agency as a caller; without a region it is the national one."""
    return Caller(Role.AGENCY, subject, region, f"agency:{subject}")


def check_role(caller: Caller, *roles: Role) -> None:
    """Let only these roles in; NotPermittedError for any other."""
    if caller.role not in roles:
        raise NotPermittedError(role=caller.role)


def is_foreign(caller: Caller, region: str) -> bool:
    """Whether a region is outside a caller's; without a region of its own nothing is."""
    return caller.region not in (None, region)


def check_region(caller: Caller, account: Account) -> None:
    """Let an agency touch its own region only; UnknownError for another region's account."""
    if caller.role is Role.AGENCY and is_foreign(caller, account.region):
        raise UnknownError
