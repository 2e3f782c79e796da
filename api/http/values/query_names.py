"""Queries of requests: nothing unknown, and no parameter twice."""

from collections.abc import Iterator

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from api.http.problems import ProblemError, safe_member

NATIVE = "/v1/"


async def check_query(request: Request) -> None:
    """Refuse a query parameter that nobody reads, as an unknown member of a body is refused.

    An unread filter would show more than was asked for: `?staus=active` would list everything.

    Raises:
        ProblemError: UNKNOWN_FIELD, QUERY_INVALID: a parameter twice.
    """
    names = [name for name, _ in request.query_params.multi_items()]
    route = request.scope.get("route")
    if not names or not isinstance(route, APIRoute) or not route.path.startswith(NATIVE):
        return
    known = set(_names_in(route.dependant))
    for name in names:
        if name not in known:
            raise _refused("UNKNOWN_FIELD", name)
        if names.count(name) > 1:
            raise _refused("QUERY_INVALID", name)


def _refused(code: str, name: str) -> ProblemError:
    return ProblemError(code, errors=[{"field": safe_member(name), "code": code}])


def _names_in(dependant: Dependant) -> Iterator[str]:
    for field in dependant.query_params:
        model = field.field_info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield from (known.alias or name for name, known in model.model_fields.items())
        else:
            yield field.alias
    for inner in dependant.dependencies:
        yield from _names_in(inner)
