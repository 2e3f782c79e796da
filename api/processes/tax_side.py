"""The tax authority of a running service: a deployment's own, or a stand-in on trial."""

import contextlib
from collections.abc import AsyncIterator

from api.processes.child_processes import TaxChild
from service.adapters.tax_authority import Tax
from service.context import ServiceContext
from service.ledger.postgres.store import PostgresStore
from service.premium.resolver import resolver_on
from service.settings import Settings

STAND_IN = (
    "保费:未设 GONGJI_TAX_URL,由替身代答税务部门,不真正征收\n"
    "premiums: without GONGJI_TAX_URL a stand-in answers for the tax side and collects nothing"
)


@contextlib.asynccontextmanager
async def connected_tax_side(
    context: ServiceContext, store: PostgresStore, settings: Settings, *, is_on_trial: bool
) -> AsyncIterator[None]:
    """Connect the tax authority, and retry the premiums that are still open.

    On trial, with the embedded database, a stand-in may answer. Beside a deployment's own
    database it never does: a premium would look paid there.
    """
    async with contextlib.AsyncExitStack() as stack:
        url = settings.tax_url
        if url is None and is_on_trial:
            stand_in = TaxChild(settings.data / "tax-stand-in.ndjson")
            stand_in.start()
            stack.push_async_callback(stand_in.close)
            url = stand_in.url
            print(STAND_IN)
        if url is not None:
            context.tax = Tax(url)
            resolver = resolver_on(context, store.pool)
            resolver.start()
            stack.push_async_callback(resolver.close)
        yield
