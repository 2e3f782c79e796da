"""Parts that several answers are made of."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from api.http.texts import PROBLEM_TEXTS


class ApiModel(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class LiveReply(ApiModel):
    """The process answers."""

    status: Literal["alive"]


class ReadyReason(ApiModel):
    """Why a process is not wholly ready: a stable code, and a sentence for the operator."""

    code: str = Field(description="Stable: `FOLLOWER_PARKED`, `FOLLOWER_BEHIND` and others.")
    detail: str = Field(description="For people; without personal data.")


class ReadyReply(ApiModel):
    """The ledger answers; `position` is its newest event's. `degraded` still serves."""

    status: Literal["ready", "degraded"]
    position: int = Field(description="Of the newest event.")
    reasons: list[ReadyReason]


class UnreadyReply(ApiModel):
    """This process must not be sent anything. `code` is always `NOT_READY`."""

    status: Literal["unready"]
    code: Literal["NOT_READY"]
    reasons: list[ReadyReason]


def _no_default(schema: dict[str, Any]) -> None:
    schema.pop("default")


Absent = Field(default=None, json_schema_extra=_no_default)
"""The default of a member that is left out where it says nothing; it is never null."""
Maybe = SkipJsonSchema[None]
"""Beside the type of a member with the default `Absent`."""


class ProblemField(ApiModel):
    """One wrong member or parameter."""

    field: str
    code: str


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `outcome` says whether anything was applied.

    Members after `trace_id` come with some codes only; a new code may bring others.
    """

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(json_schema_extra={"enum": [*PROBLEM_TEXTS]})
    outcome: Literal["applied", "not_applied", "unknown"]
    trace_id: str
    errors: list[ProblemField] | Maybe = Absent
    field: str | Maybe = Absent
    allowed: list[str] | Maybe = Absent
    binding_id: str | Maybe = Absent
    channel: str | Maybe = Absent
    cleared_through: str | Maybe = Absent
    closes: str | Maybe = Absent
    consent: str | Maybe = Absent
    current_status: str | Maybe = Absent
    earliest: str | Maybe = Absent
    floor: str | Maybe = Absent
    insurance: str | Maybe = Absent
    limit: int | Maybe = Absent
    link_id: str | Maybe = Absent
    minimum: str | Maybe = Absent
    nearest: str | None = Absent
    next_on: str | Maybe = Absent
    open: list[str] | Maybe = Absent
    opens: str | Maybe = Absent
    per_month: int | Maybe = Absent
    plan: dict[str, Any] | Maybe = Absent
    pool_id: str | Maybe = Absent
    position: int | Maybe = Absent
    premium_id: str | Maybe = Absent
    region: str | Maybe = Absent
    relation: str | Maybe = Absent
    replay_id: str | Maybe = Absent
    retry_after_s: int | Maybe = Absent
    role: str | Maybe = Absent
    scope: str | Maybe = Absent
    settlement_id: str | Maybe = Absent
    side: str | Maybe = Absent
    tier: str | None = Absent
    transferable: str | Maybe = Absent
    version: int | Maybe = Absent
    what: str | Maybe = Absent
