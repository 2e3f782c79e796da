"""An object store on a real socket: what is PUT is what GET gives, unless a test says otherwise."""

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

from service.proof.signed_notes import read_checkpoint

PATIENCE_S = 30.0


class ObjectStore:
    """The store as a test sees it: `objects` by path, `history` of all that was put."""

    def __init__(self) -> None:
        """Begin empty, on a free port."""
        self.objects: dict[str, bytes] = {}
        self.history: list[str] = []
        self.status: int | None = None
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}"

    def newest(self) -> str:
        """The one object."""
        (found,) = self.objects.values()
        return found.decode()

    def wait_for_rows(self, size: int) -> str:
        """Wait until a checkpoint over so many rows is kept; its note."""
        deadline = time.monotonic() + PATIENCE_S
        while not self.objects or read_checkpoint(self.newest()).head.size < size:
            assert time.monotonic() < deadline, "no checkpoint came"
            time.sleep(0.02)
        return self.newest()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        store = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                found = store.objects.get(self.path)
                self._answer(200 if found is not None else 404, found or b"")

            def do_PUT(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if store.status is None:
                    store.objects[self.path] = body
                    store.history.append(body.decode())
                self._answer(204, b"")

            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(store.status or status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            @override
            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler


@contextlib.contextmanager
def an_object_store() -> Iterator[ObjectStore]:
    """A store that is up for as long as a test needs it."""
    store = ObjectStore()
    thread = threading.Thread(target=store.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield store
    finally:
        store.server.shutdown()
        store.server.server_close()
        thread.join()
