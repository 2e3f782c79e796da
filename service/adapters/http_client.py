"""The HTTP client of every external system."""

import functools
import ssl

import httpx


@functools.cache
def _trust() -> ssl.SSLContext:
    """The authorities that httpx trusts; reading them takes some 60 ms, so once a process."""
    return httpx.create_ssl_context(trust_env=False)


def http_client(timeout_s: float) -> httpx.AsyncClient:
    """A client that heeds no proxy of the environment and waits `timeout_s` seconds a step."""
    return httpx.AsyncClient(timeout=timeout_s, trust_env=False, verify=_trust())
