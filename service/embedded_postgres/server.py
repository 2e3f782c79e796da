"""PostgreSQL as a child of this process: nothing to install, no port, no password.

Any process that can reach the socket may log in as any role; only the server's user can enter the
socket's directory. The superuser starts and migrates; the service logs in with a role of fewer
rights (`login_as`).

The data directory holds:

    lock          locked by flock while a service runs; names the process and the socket
    cluster       only if the cluster is elsewhere: the directory of the files below
    postgres/     the cluster; it gets this name when it is complete
    socket/       the Unix socket; if its path is too long, a directory under /tmp
    postgres.log  the server's log, without values of rows
    server-*/     a copy of the binaries, only if the server's user may not run the original

On Linux the server ends with this process: after kill -9 it stops by itself, and the next start
waits for it.
"""

import contextlib
import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from service.embedded_postgres.cluster import (
    ClusterStartError,
    UnixUser,
    account_for,
    create,
    give,
    home_for,
    is_ready,
    server_for,
    servers_in,
    spawn,
    stale_pid,
)

LOCK_WAIT_S = 1.0  # `running` takes the lock for an instant
OLD_SERVER_WAIT_S = 60.0
START_WAIT_S = 900.0  # recovery after a crash reads up to max_wal_size
STOP_WAIT_S = 60.0
ANSWER_WAIT_S = 10.0
POLL_S = 0.01
LOG_BYTES_MAX = 8 * 1024 * 1024
SOCKET_PATH_BYTES_MAX = 100  # the kernel's own limit is 107
SHORT_SOCKETS = "/tmp/gongji-"  # noqa: S108  # the path must be short; mkdtemp makes it private

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_buffers": "64MB",
    "max_wal_size": "4GB",
    "jit": "off",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # no details and statements, which have personal data
    "log_min_error_statement": "panic",
}


class ClusterHeldError(Exception):
    """Another process uses the data directory; the message names it and its start."""


class EmbeddedPostgres:
    """The PostgreSQL server of one data directory, from `start` to `stop`."""

    def __init__(self, data: Path, **settings: str) -> None:
        """Name the data directory and changed settings; `start` is the first to touch it."""
        self._data = data.resolve()
        self._settings = SETTINGS | settings
        self._lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    def start(self) -> str:
        """Start the server, creating or recovering its cluster, and return the superuser's DSN.

        Call it from the main thread, because the server stops when the thread that started it ends.
        Waits up to 60 s for the server of a killed service to shut down. Raises ClusterHeldError,
        or ClusterStartError with the server's output.
        """
        if threading.current_thread() is not threading.main_thread():
            raise ClusterStartError("The server must be started from the main thread.")
        note = {"pid": str(os.getpid()), "since": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        lock = _take(self._data)
        self._lock = lock
        try:
            _write_note(lock, note)
            account = account_for(self._data)
            home = home_for(self._data, account)
            cluster = home / "postgres"
            server = server_for(home, account)
            _wait_for_old_server(cluster)
            if not cluster.exists():
                create(cluster, server, account)
            self._socket = socket = _make_socket_directory(home, account)
            _write_note(lock, note | {"socket": str(socket)})
            self._run(cluster, server, account, socket)
            dsn = f"postgresql://{SUPERUSER}@/postgres?host={quote(str(socket))}&port=5432"
            _write_note(lock, note | {"socket": str(socket), "dsn": dsn})
        except BaseException:
            self.stop()
            raise
        return dsn

    def _run(self, cluster: Path, server: Path, account: UnixUser, socket: Path) -> None:
        settings = self._settings | {"unix_socket_directories": str(socket)}
        options = [word for name in settings for word in ("-c", f"{name}={settings[name]}")]
        command = [str(server / "postgres"), "-D", str(cluster), *options]
        with _open_log(cluster.with_name("postgres.log"), account) as log:
            end = log.seek(0, os.SEEK_END)
            self._server = spawn(command, account, signal.SIGINT, log, stale_pid(cluster))
            deadline = time.monotonic() + START_WAIT_S
            while not is_ready(cluster, self._server.pid):
                status = self._server.poll()
                if status is not None or time.monotonic() > deadline:
                    log.seek(end)
                    output = log.read().decode(errors="replace")
                    raise ClusterStartError(f"PostgreSQL is not ready (status {status}):\n{output}")
                time.sleep(POLL_S)

    def stop(self) -> None:
        """Shut the server down, wait for its end, and release the data directory.

        Close every pool first. After 60 s connections are cut without a checkpoint, which loses no
        commit.
        """
        if self._server is not None:
            self._server.send_signal(signal.SIGINT)
            try:
                self._server.wait(STOP_WAIT_S)
            except subprocess.TimeoutExpired:
                self._server.send_signal(signal.SIGQUIT)
                self._server.wait()
            self._server = None
        if self._socket is not None:
            _remove_short_socket(str(self._socket))
            self._socket = None
        if self._lock is not None:
            os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = None

    def poll(self) -> int | None:
        """Return the server's exit status if it ended by itself, else None."""
        return None if self._server is None else self._server.poll()


def login_as(dsn: str, role: str) -> str:
    """A DSN of `start` with another login than the superuser's."""
    return dsn.replace(f"//{SUPERUSER}@", f"//{role}@", 1)


def running(data: Path) -> str | None:
    """The superuser's DSN of a running cluster; None if no process uses `data`.

    Waits up to 10 s for a service that is starting.
    """
    deadline = time.monotonic() + ANSWER_WAIT_S
    while (note := _note_of_holder(data / "lock")) is not None:
        if "dsn" in note:
            return note["dsn"]
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return None


def is_served(data: Path) -> bool:
    """Whether another process uses `data`: a service, or a command that started the cluster."""
    note = _note_of_holder(data / "lock")
    return note is not None and note.get("pid") != str(os.getpid())


# The lock file and its note


def _take(data: Path) -> int:
    is_root = os.geteuid() == 0
    with contextlib.suppress(FileExistsError):
        data.mkdir(parents=True)
        data.chmod(0o711 if is_root else 0o700)  # root's server runs as another, who passes through
    lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    if is_root:
        os.fchown(lock, data.stat().st_uid, data.stat().st_gid)
    deadline = time.monotonic() + LOCK_WAIT_S
    while not _is_locked(lock, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            note = _read_note(lock)
            os.close(lock)
            holder = f"process {note.get('pid', '?')} since {note.get('since', '?')}"
            raise ClusterHeldError(f"{data} is held by {holder}.")
        time.sleep(POLL_S)
    _remove_short_socket(_read_note(lock).get("socket", ""))
    return lock


def _is_locked(lock: int, kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _note_of_holder(path: Path) -> dict[str, str] | None:
    try:
        lock = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return None
    try:
        return None if _is_locked(lock, fcntl.LOCK_SH) else _read_note(lock)
    finally:
        os.close(lock)


def _read_note(lock: int) -> dict[str, str]:
    try:
        note: dict[str, str] = json.loads(os.pread(lock, 16384, 0))
    except ValueError:
        return {}
    return note


def _write_note(lock: int, note: dict[str, str]) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, json.dumps(note).encode(), 0)


# The server's processes and log


def _wait_for_old_server(cluster: Path) -> None:
    deadline = time.monotonic() + OLD_SERVER_WAIT_S
    while servers := servers_in(cluster):
        if time.monotonic() > deadline:
            raise ClusterHeldError(f"{cluster} is still held by PostgreSQL, process {servers[0]}.")
        time.sleep(POLL_S)


def _open_log(path: Path, account: UnixUser) -> BinaryIO:
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        path.replace(path.with_suffix(".log.old"))
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    give(path, account)
    return os.fdopen(handle, "a+b")


# The socket's directory


def _make_socket_directory(home: Path, account: UnixUser) -> Path:
    socket = home / "socket"
    shutil.rmtree(socket, ignore_errors=True)  # a killed server leaves its socket and a lock
    path = os.fsencode(socket / ".s.PGSQL.5432")
    if len(path) > SOCKET_PATH_BYTES_MAX or set(path) & set(b',"'):
        short = Path(SHORT_SOCKETS)
        socket = Path(tempfile.mkdtemp(prefix=short.name, dir=short.parent))
    else:
        socket.mkdir(mode=0o700)
    give(socket, account)
    return socket


def _remove_short_socket(socket: str) -> None:
    if socket.startswith(SHORT_SOCKETS):
        shutil.rmtree(socket, ignore_errors=True)
