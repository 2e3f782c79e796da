"""Parts that several answers are made of."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.http.problem_texts import TEXTS


class Reply(BaseModel):
    """An answer."""

    model_config = ConfigDict(extra="forbid")


class LiveReply(Reply):
    """The process answers."""

    status: Literal["alive"]


class ReadyReply(Reply):
    """The ledger answers; `position` is its newest event's."""

    status: Literal["ready"]
    position: int


class Problem(BaseModel):
    """RFC 9457. `code` is stable; `outcome` says whether anything was applied."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(json_schema_extra={"enum": [*TEXTS]})
    outcome: Literal["applied", "not_applied", "unknown"]
    trace_id: str
