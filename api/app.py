"""The application: routes, problems, documents, and the hot route in front."""

import asyncpg
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api import (
    accesses,
    accounts,
    audit,
    batch,
    bindings,
    consents,
    corrections,
    docs,
    erasures,
    facts,
    feed,
    fhir,
    health,
    holds,
    institutions,
    links,
    premiums,
    proofs,
    reconciliations,
    settlements,
    signals,
    statements,
)
from api.documents import describe
from api.door import Door
from api.his import routes as fsi
from api.his.gateway import PATHS, Gateway
from api.hot import App, HotRoute
from api.measures import Measured
from api.problems import ProblemError, on_error, on_query_error
from api.watched import Watched
from service import CursorInvalidError, RefusalError
from service.ledger.command import KeyReusedError, OverloadedError
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError

TOLD = (
    RefusalError,
    CursorInvalidError,
    ProblemError,
    ValidationError,
    KeyReusedError,
    OverloadedError,
    StoreUnavailableError,
    OutcomeUnknownError,
    asyncpg.PostgresError,
    HTTPException,
    Exception,
)
"""What becomes a problem; anything else would never reach a caller."""


ROUTES = (
    fsi,
    accounts,
    facts,
    statements,
    corrections,
    erasures,
    bindings,
    consents,
    links,
    settlements,
    holds,
    batch,
    premiums,
    institutions,
    reconciliations,
    fhir,
    proofs,
    accesses,
    signals,
    audit,
    feed,
    docs,
    health,
)


def plain_app() -> FastAPI:
    """The routes and their document, without a house behind them."""
    app = FastAPI(title="Gongji 共济", version="0.1.0", docs_url=None, redoc_url=None)
    for routes in ROUTES:
        app.include_router(routes.router)
    for error in TOLD:
        app.add_exception_handler(error, on_error)
    app.add_exception_handler(RequestValidationError, on_query_error)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def create_app(door: Door, fsi_paths: tuple[str, ...] = PATHS) -> App:
    """The application on a running house; the national protocol is spoken under these paths."""
    app = plain_app()
    app.state.door = door
    return Measured(Watched(Gateway(HotRoute(app, door), door, fsi_paths), door))
