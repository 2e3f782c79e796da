"""An older backup that is put back is noticed from outside, and a fork is declared or not begun."""

import contextlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.proof.signed_notes import read_checkpoint
from tests.api.clients import an_opening
from tests.api.programs import Service, a_place, command, environment, run
from tests.object_store import ObjectStore, an_object_store


class Deployment:
    """A data directory, and a checkpoint kept in an object store."""

    def __init__(self, place: Path, store: ObjectStore) -> None:
        """Begin without a ledger."""
        self.data, self.backup = place / "data", place / "backup"
        self.lines = place / "lines.ndjson"
        self.store = store
        self.named = ("--data", str(self.data))
        self.told = {"GONGJI_CHECKPOINT_URL": f"{store.address}/newest"}

    @contextlib.contextmanager
    def served(self, *options: str) -> Iterator[Service]:
        """The service while it runs."""
        words = command("run", "--no-demo", "--port", "0", *self.named, *options)
        service = Service(words, environment(**self.told))
        try:
            yield service
        finally:
            assert 0 == service.stop()

    def run(self, *words: str, status: int = 0) -> str:
        """Run a command on it; what it said."""
        return run(*words, *self.named, status=status, **self.told)

    def open_accounts(self, *people: str, status: int = 0) -> None:
        """Import people."""
        lines = ({"type": "account"} | an_opening(person) for person in people)
        self.lines.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.run("import", str(self.lines), status=status)

    def back_up(self) -> None:
        """Copy the stopped database."""
        shutil.copytree(self.data / "postgres", self.backup, symlinks=True)
        for path in (self.data / "postgres").rglob("*"):
            there = self.backup / path.relative_to(self.data / "postgres")
            shutil.chown(there, path.lstat().st_uid, path.lstat().st_gid)
        owner = (self.data / "postgres").stat()
        shutil.chown(self.backup, owner.st_uid, owner.st_gid)

    def keys(self) -> list[str]:
        """The public keys, the newest first."""
        return self.run("export", "--public-key").split()

    def events(self, service: Service) -> str:
        """The log as an auditor reads it."""
        token = self.run("token", "--role", "auditor", "--subject", "a1").strip()
        answer = httpx.get(
            f"{service.address}/v1/events",
            params={"limit": 1000},
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
        )
        assert 200 == answer.status_code, answer.text
        return answer.text

    def put_back(self) -> None:
        """Put the older database back; a pod's own memory of checkpoints is gone with it."""
        shutil.rmtree(self.data / "postgres")
        self.backup.rename(self.data / "postgres")
        for mark in self.data.glob("checkpoint-*"):
            mark.unlink()


def position(service: Service) -> int:
    answer = httpx.get(f"{service.address}/readyz", trust_env=False).json()
    found: int = answer["position"]
    return found


@pytest.fixture
def restored() -> Iterator[tuple[Deployment, str, str]]:
    """An older backup put back; the checkpoint outside, and the key that signed it."""
    with a_place() as place, an_object_store() as store:
        there = Deployment(place, store)
        with there.served() as service:
            there.open_accounts("P1")
            store.wait_for_rows(position(service))
        there.back_up()
        with there.served() as service:
            there.open_accounts("P2", "P3")
            kept = store.wait_for_rows(position(service))
        key = there.keys()[0]
        there.put_back()
        yield there, kept, key


def test_an_older_backup_is_noticed(restored: tuple[Deployment, str, str]) -> None:
    """Neither the service nor an import begins to write, and what is outside stays."""
    there, kept, _ = restored
    refused = there.run("run", "--no-demo", "--port", "0", status=1)
    there.open_accounts("P4", status=1)

    assert kept == there.store.newest()
    assert f"{there.store.address}/newest" in refused
    assert f"signed over {read_checkpoint(kept).head.size} rows" in refused
    assert "--accept-fork" in refused


def test_a_fork_is_declared(restored: tuple[Deployment, str, str], tmp_path: Path) -> None:
    """It is in the log with the reason, another key signs, and who kept a checkpoint can tell."""
    there, kept, old_key = restored
    with there.served("--accept-fork", "restored the backup of Monday") as service:
        there.open_accounts("P2", "P3", "P4")
        forked = there.store.wait_for_rows(position(service))
        events = there.events(service)
        there.run("replay")
    with there.served("--accept-fork", "once more") as service:
        assert "no fork to accept" in "".join(service.told)
    keys = there.keys()
    there.run("export", str(tmp_path / "log"))
    (tmp_path / "kept").write_text(kept)
    log = ("verify", str(tmp_path / "log"))
    whole, short = run(*log, "--key", keys[0]), run(*log, "--key", old_key, status=1)
    both = ("--key", keys[0], "--key", old_key, "--checkpoint", str(tmp_path / "kept"))
    forks = run(*log, *both, status=1)

    assert "restored the backup of Monday" in events
    assert 1 == events.count("ledger.fork-accepted/1")
    assert read_checkpoint(kept).origin == read_checkpoint(forked).origin
    assert old_key in keys[1:]
    assert "rows are not those that were seen outside" in forks
    assert "no key given signed the export's checkpoint" in short
    assert whole
    assert [] == signed_twice(there.store.history)


def signed_twice(notes: list[str]) -> list[tuple[int, str]]:
    """Sizes at which one key signed two roots."""
    roots: dict[tuple[int, str], set[bytes]] = {}
    for note in notes:
        head = read_checkpoint(note).head
        key = note.rsplit(" ", 1)[1][:5]  # a signature begins with its key's id
        roots.setdefault((head.size, key), set()).add(head.root)
    return [signed for signed, found in roots.items() if len(found) > 1]
