"""Pages of lists: items, the next cursor, and the position they are as of."""

from fastapi import Response
from pydantic_core import to_json

from service.read_models.reader import Listed


def page_answer(page: Listed) -> Response:
    """A page as an answer."""
    return Response(
        to_json({"items": page.items, "next": page.following}),
        media_type="application/json",
        headers={
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Gongji-Position": str(page.position),
        },
    )
