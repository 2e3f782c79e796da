"""The application: routes, problems and documents, behind the middleware and the hot route."""

import asyncpg
from fastapi import Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api import credential_link as links
from api import fhir, me
from api import institution as institutions
from api import pool as pools
from api import premium as premiums
from api.account import chronic_routes as chronic
from api.account import correction_routes as corrections
from api.account import erasure_routes as erasures
from api.account import filing_routes as filings
from api.account import routes as accounts
from api.account import search_routes as searches
from api.account import statement_routes as statements
from api.audit import access_log_routes as accesses
from api.audit import event_feed_routes as feed
from api.audit import rehearsal_routes as rehearsals
from api.audit import routes as audit
from api.audit import signal_routes as signals
from api.audit import stream_routes as streams
from api.binding import consent_routes as consents
from api.binding import kinship_routes as facts
from api.binding import routes as bindings
from api.his import routes as fsi
from api.his import token_route as fsi_tokens
from api.his.check_page import routes as fsi_check_page
from api.his.gateway import PATHS, Gateway
from api.http import health
from api.http.access_log_middleware import AccessLogMiddleware
from api.http.asgi import App
from api.http.dependencies import Api
from api.http.metrics import MetricsMiddleware
from api.http.problems import ProblemError, on_error, on_query_error
from api.http.rate_limit_middleware import Limited
from api.http.values.query_names import check_query
from api.openapi import describe, operation_id
from api.proof import routes as proofs
from api.reconciliation import routes as reconciliations
from api.settlement import batch_routes as batch
from api.settlement import hold_routes as holds
from api.settlement import routes as settlements
from api.settlement import why_routes as whys
from api.settlement.hot_route import FastSettlementRoute
from api.web import docs_page as docs
from api.web import problem_pages as catalogue
from api.web import start_page as start
from api.web.compression_middleware import CompressionMiddleware
from service import CursorInvalidError, RefusalError
from service.ledger.command import KeyReusedError, OverloadedError
from service.ledger.store import OutcomeUnknownError, StoreUnavailableError
from service.read_models.event_feed import Feed

ERRORS = (
    RefusalError,
    CursorInvalidError,
    ProblemError,
    ValidationError,
    KeyReusedError,
    OverloadedError,
    StoreUnavailableError,
    OutcomeUnknownError,
    asyncpg.PostgresError,
    ClientDisconnect,
    HTTPException,
    Exception,
)
"""Errors that become problems. Starlette handles an error class only where it is named."""

ROUTES = (
    fsi,
    fsi_tokens,
    fsi_check_page,
    me,
    searches,
    accounts,
    chronic,
    facts,
    filings,
    statements,
    corrections,
    erasures,
    bindings,
    consents,
    links,
    settlements,
    holds,
    batch,
    whys,
    premiums,
    rehearsals,
    pools,
    institutions,
    reconciliations,
    fhir,
    proofs,
    accesses,
    signals,
    audit,
    streams,
    feed,
    docs,
    catalogue,
    start,
    health,
)


def plain_app() -> FastAPI:
    """The routes and their document; `serving` gives them something to work with."""
    app = FastAPI(
        title="Gongji",
        version="0.1.0",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_id,
        dependencies=[Depends(check_query)],
    )
    for routes in ROUTES:
        app.include_router(routes.router)
    for error in ERRORS:
        app.add_exception_handler(error, on_error)
    app.add_exception_handler(RequestValidationError, on_query_error)
    app.openapi = lambda: describe(app)  # type: ignore[method-assign]
    return app


def create_app(api: Api, fsi_paths: tuple[str, ...] = PATHS) -> App:
    """The application on a running ledger; `fsi_paths` are those of the national protocol."""
    return serving(plain_app(), api, fsi_paths)


def serving(app: FastAPI, api: Api, fsi_paths: tuple[str, ...] = PATHS) -> App:
    """A plain application with its middleware, serving this ledger from now on.

    `app.state.front` is for a route that asks another one as a client would.
    """
    app.state.api = api
    app.state.feed = Feed(api.context.store, api.read_models.pool)
    native = Limited(FastSettlementRoute(CompressionMiddleware(app), api), api)
    front = AccessLogMiddleware(Gateway(native, api, fsi_paths), api)
    app.state.front = front
    return MetricsMiddleware(front)
