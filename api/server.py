"""The HTTP server of the service: announces when it listens, and stops in time."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator

import uvicorn
from typing_extensions import override

from api.http.asgi import App
from api.http.limits.protocol import Bounds, bounded, connections_at_most
from service.embedded_postgres.server import EmbeddedPostgres
from service.settings import Settings

WATCH_S = 0.5
REQUESTS_S = 12
"""Seconds that requests under way may take after a stop; the longest deadline is 10."""
GRACE_S = 38.0
"""Seconds after a stop at which the process ends even if something hangs."""


class Server(uvicorn.Server):
    """A uvicorn server that `stop` ends; `stopping` is set then."""

    stopping: asyncio.Event

    def stop(self) -> None:
        """Finish the requests under way, let open feeds end, and stop."""
        end_in_time()
        self.should_exit = True
        self.stopping.set()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and print `ready` with the address."""
        await super().startup(sockets)
        if not self.should_exit:
            port = self.servers[0].sockets[0].getsockname()[1]
            print(f"ready http://{self.config.host}:{port}", flush=True)

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to `serve`: uvicorn would raise them again after a clean stop."""
        yield


def server_of(app: App, settings: Settings, address: tuple[str, int]) -> Server:
    """A server of an application on a host and port."""
    bounds = Bounds(connections=connections_at_most(settings.connections_max))
    host, port = address
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=bounded(bounds),
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,  # its loggers write through ours
            log_level="warning",
            server_header=False,
            proxy_headers=settings.proxies is not None,
            forwarded_allow_ips=settings.proxies or "",
            timeout_graceful_shutdown=REQUESTS_S,
        )
    )


async def serve(server: Server, stopping: asyncio.Event, postgres: EmbeddedPostgres | None) -> None:
    """Serve until Ctrl-C or SIGTERM, or until the embedded database has died."""
    server.stopping = stopping
    loop = asyncio.get_running_loop()
    for stop in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(stop, server.stop)
    watch = asyncio.create_task(_stop_with_database(server, postgres))
    await server.serve()
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)


async def _stop_with_database(server: Server, postgres: EmbeddedPostgres | None) -> None:
    while postgres is None or postgres.poll() is None:  # noqa: ASYNC110 -- a child sends no event
        await asyncio.sleep(WATCH_S)
    server.stop()


def end_in_time(grace_s: float = GRACE_S) -> None:
    """End this process after `grace_s` seconds, if it has not ended by then.

    What is in flight then is as after kill -9: in the log or not, and its key says which.
    """
    end = threading.Timer(grace_s, _end)
    end.daemon = True
    end.start()


def _end() -> None:
    print("gongji: not everything ended in time", file=sys.stderr, flush=True)
    os._exit(1)
