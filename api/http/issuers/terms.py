"""The issuers of `GONGJI_TOKEN_ISSUERS`: any OpenID Connect provider, each on its own terms.

The file is TOML, with a table `[[issuer]]` for each. An issuer without `roles` issues nothing but
persons' tokens: nobody becomes an auditor because a provider has a claim of that name.
"""

import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self

from joserfc import jwt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from service.caller import Role

Algorithm = Literal[
    "Ed25519", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384"
]
"""Signatures with a public key alone: a shared secret proves nothing about who signed."""
LEEWAY_S = 30
"""Seconds that an issuer's clock may be off."""
DEVELOPMENT = "gongji"
Words = Annotated[str, Field(min_length=1, max_length=500)]


class IssuersFileError(Exception):
    """The file of issuers is not there, or not sound."""


class TokenHolder(NamedTuple):
    """Who a token speaks for: a role, a name in it, and an agency's region."""

    role: Role
    subject: str
    region: object


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClaimNames(_Strict):
    """Where a token has what we need; a dot goes into an object (`realm_access.roles`)."""

    subject: Words = "sub"
    role: Words = "role"
    region: Words = "region"


class IssuerTerms(_Strict):
    """An issuer's terms. Its keys are at `keys_url` or in `keys_file`, as a JWK set.

    `roles` maps what its claim of a role says to ours; `role` is the one of all its tokens.
    """

    issuer: Words
    audience: Words
    algorithms: tuple[Algorithm, ...] = Field(default=("RS256",), min_length=1)
    keys_url: str | None = Field(default=None, pattern=r"^https?://")
    keys_file: Path | None = None
    claims: ClaimNames = ClaimNames()
    roles: dict[str, Role] = Field(default_factory=dict)
    role: Role | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.keys_url is None) == (self.keys_file is None):
            raise ValueError("an issuer has either keys_url or keys_file")
        if self.roles and self.role is not None:
            raise ValueError("an issuer has either roles or one role")
        if self.issuer == DEVELOPMENT:
            raise ValueError("the name gongji is the development issuer's")
        return self

    def keys_path(self, data: Path) -> Path:
        """The file of its keys; those of an address are kept in the data directory."""
        if self.keys_file is not None:
            return self.keys_file
        name = hashlib.sha256(f"{self.issuer} {self.keys_url}".encode()).hexdigest()[:16]
        return data / "issuers" / f"{name}.json"

    def check(self, claims: Mapping[str, Any]) -> None:
        """Check a verified token's issuer, audience and times, with `LEEWAY_S`.

        Raises:
            JoseError: one of them is wrong or missing.
        """
        jwt.JWTClaimsRegistry(
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
        ).validate(dict(claims))

    def holder(self, claims: Mapping[str, Any]) -> TokenHolder:
        """Who a verified token speaks for.

        Raises:
            ValueError: it names nobody, no role of ours, or more than one.
        """
        subject = told(claims, self.claims.subject)
        if not isinstance(subject, str) or not 1 <= len(subject) <= 100:  # noqa: PLR2004 -- a name
            raise ValueError("a token without a subject")
        return TokenHolder(self._role(claims), subject, told(claims, self.claims.region))

    def _role(self, claims: Mapping[str, Any]) -> Role:
        if not self.roles:
            return self.role or Role.PERSON
        said = told(claims, self.claims.role)
        words = said if isinstance(said, list) else [said]
        found = {self.roles[word] for word in words if isinstance(word, str) and word in self.roles}
        if len(found) != 1:
            raise ValueError("a token names exactly one role")
        return found.pop()


class _Issuers(_Strict):
    issuer: tuple[IssuerTerms, ...] = Field(min_length=1, max_length=50)


def told(claims: Mapping[str, Any], name: str) -> object:
    """What a token says under a name with dots; None if it says nothing."""
    if name in claims:
        return claims[name]
    value: object = claims
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def issuers_of(path: Path) -> tuple[IssuerTerms, ...]:
    """The issuers of a file; a relative `keys_file` lies beside it.

    Raises:
        IssuersFileError: it is not there, or says something that no issuer has.
    """
    try:
        read = _Issuers.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        places = (
            "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
            if isinstance(error, ValidationError)
            else str(error)
        )
        raise IssuersFileError(f"the token issuers in {path}: {places}") from error
    names = [terms.issuer for terms in read.issuer]
    if len(set(names)) != len(names):
        raise IssuersFileError(f"the token issuers in {path}: an issuer comes twice")
    return tuple(
        terms.model_copy(update={"keys_file": path.parent / terms.keys_file})
        if terms.keys_file is not None
        else terms
        for terms in read.issuer
    )
