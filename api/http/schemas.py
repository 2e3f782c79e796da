"""Parts that several answers are made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

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


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `outcome` says whether anything was applied."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(json_schema_extra={"enum": [*PROBLEM_TEXTS]})
    outcome: Literal["applied", "not_applied", "unknown"]
    trace_id: str
