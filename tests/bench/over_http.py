"""Settlements a second through HTTP, beside an endpoint that does nothing."""

import argparse
import contextlib
import os
import socket
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import uvloop

from api.http.tokens import days_from_now, issue, issuer_path
from service.caller import Role
from service.clock import monotonic_s
from tests.bench import visiting
from tests.bench.families import HOSPITAL
from tests.bench.in_process import audit, make_database

CONNECTIONS = 64
START_S = 60.0


def compare(options: argparse.Namespace, dsn: str, place: Path) -> None:
    """Measure both in turn, in the same run, and print the ratio."""
    print(f"through HTTP, {CONNECTIONS} connections, one server process")
    data = place / "http"
    database, fen = uvloop.run(make_database(dsn, "http", data, options.families))
    environment = {**os.environ, "GONGJI_DATABASE_URL": database, "GONGJI_DATA": str(data)}
    ratios: list[float] = []
    gateways: list[float] = []
    with contextlib.ExitStack() as stack:
        ours, theirs = _free_port(), _free_port()
        run = ["-m", "api", "run", "--no-demo", "--port", str(ours)]
        stack.enter_context(_server(run, ours, environment))
        nothing = ["-m", "tests.bench.nothing", str(theirs)]
        stack.enter_context(_server(nothing, theirs, environment))
        token = issue(issuer_path(data), Role.INSTITUTION, HOSPITAL.subject, None, days_from_now(1))
        for number in range(options.rounds):
            settled = _load(ours, token, options, number * 1_000_000)
            answered = _load(theirs, token, options, number * 1_000_000)
            visits = uvloop.run(visiting.register(database, data, options.families, number * 1000))
            gated = _load(ours, token, options, number * 1000, visits)
            ratios.append(settled / answered)
            gateways.append(gated / settled)
            print(
                f"  round {number + 1}: settled {settled:,.0f}/s,"
                f" doing nothing {answered:,.0f}/s, ratio {ratios[-1]:.2f};"
                f" by 2207 {gated:,.0f}/s, {gateways[-1]:.2f} of the native endpoint"
            )
    uvloop.run(audit(database, fen))
    print(
        f"settle through HTTP: {statistics.median(ratios):.2f} x"
        f" [{min(ratios):.2f}..{max(ratios):.2f}] of a FastAPI endpoint that does nothing"
    )
    print(
        f"settle by the national 2207: {statistics.median(gateways):.2f} x"
        f" [{min(gateways):.2f}..{max(gateways):.2f}] of the native endpoint\n"
    )


@contextlib.contextmanager
def _server(module: list[str], port: int, environment: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-P", *module], env=environment, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield
    finally:
        process.terminate()
        process.wait(60)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    end = monotonic_s() + START_S
    while monotonic_s() < end and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise RuntimeError("a server did not start")


def _load(
    port: int, token: str, options: argparse.Namespace, first: int, visits: Path | None = None
) -> float:
    told_visits = () if visits is None else (visits,)
    words = (port, token, CONNECTIONS, options.seconds, options.families, first, *told_visits)
    client = [sys.executable, "-P", "-m", "tests.bench.client", *map(str, words)]
    told = subprocess.run(client, check=True, capture_output=True, text=True, timeout=300)
    count, seconds = told.stdout.split()
    return int(count) / float(seconds)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
