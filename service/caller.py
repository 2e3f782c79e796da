"""Who calls: a role, whom he is, and what he may touch."""

from enum import StrEnum
from typing import NamedTuple

from aggregates.account.state import Account
from aggregates.refusals import NotPermittedError, UnknownError
from service.vault import Vault


class Role(StrEnum):
    """What a token makes its holder."""

    AGENCY = "agency"
    INSTITUTION = "institution"
    PERSON = "person"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Caller(NamedTuple):
    """The holder of a token. `subject` is an institution code or a person number.

    `name` stands for him in events and keys and holds no personal data.
    """

    role: Role
    subject: str
    region: str | None
    name: str


class Request(NamedTuple):
    """One call that changes something: who, under which key, with which body, by which door."""

    caller: Caller
    key: str
    digest: bytes
    channel: str


def person(vault: Vault, person_no: str) -> Caller:
    """A person as a caller: his name is the keyed digest that finds his account."""
    name = f"person:{vault.name('person_no', person_no).hex()[:32]}"
    return Caller(Role.PERSON, person_no, None, name)


def institution(code: str) -> Caller:
    """An institution as a caller."""
    return Caller(Role.INSTITUTION, code, None, f"institution:{code}")


def agency(subject: str, region: str | None) -> Caller:
    """An agency as a caller; without a region it is the nation's."""
    return Caller(Role.AGENCY, subject, region, f"agency:{subject}")


def check_role(caller: Caller, *roles: Role) -> None:
    """Let only these roles in.

    Raises:
        NotPermittedError: the caller's role may not do this.
    """
    if caller.role not in roles:
        raise NotPermittedError(role=caller.role)


def check_region(caller: Caller, account: Account) -> None:
    """Let an agency touch its own region alone; foreign looks like not there.

    Raises:
        UnknownError: an agency of another region.
    """
    if caller.role is Role.AGENCY and caller.region not in (None, account.region):
        raise UnknownError
