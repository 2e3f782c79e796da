"""What is answered of credential links: shapes for OpenAPI. There is no amount among them."""

from typing import Literal

from api.reply_parts import Reply as ReplyModel


class ListedLink(ReplyModel):
    """A credential link: `guardian` may show the code of `member` (person numbers)."""

    link_id: str
    guardian: str | None
    member: str | None
    relation: str
    status: Literal["active", "closed"]
    opened_at: str
    closed_at: str | None
    version: int


class LinkReply(ListedLink):
    """A credential link as it stands."""

    position: int


class LinksReply(ReplyModel):
    """A page of credential links, newest first."""

    items: list[ListedLink]
    next: str | None


class Display(ReplyModel):
    """One display of the member's code, and the settlements in which it was shown."""

    shown_at: str
    expires_at: str
    channel: str
    settlements: list[str]


class LinkWithDisplaysReply(LinkReply):
    """A credential link with the displays of its code, the newest 100 first."""

    displays: list[Display]


class CodeReply(ReplyModel):
    """The member's code; an institution sends it as `e_credential` until it expires."""

    link_id: str
    code: str
    expires_at: str
    position: int
