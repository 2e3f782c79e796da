"""The settings of a process, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a deployment. Without a `database_url` it is the embedded PostgreSQL.

    `migrate_url` has the login that may change the schema; None if `database_url` has it.
    `credential_outage` is "refuse" or "accept": what a token counts that the verifier does not
    answer about.
    """

    data: Path
    key_file: Path
    regions: Path
    database_url: str | None = None
    migrate_url: str | None = None
    token_keys: Path | None = None
    token_issuers: Path | None = None
    kinship_url: str | None = None
    identity_url: str | None = None
    credential_url: str | None = None
    credential_cache_s: float = 60.0
    credential_outage: str = "refuse"
    tax_url: str | None = None
    fund_urls: str | None = None
    fsi_centre_url: str | None = None
    fsi_centre_keys_file: Path | None = None
    checkpoint_url: str | None = None
    heads_max: int = 200_000
    waiting_max: int = 4096
    deadline_s: float = 10.0
    silent_s: float = 30.0
    access_days: int = 1095
    connections_max: int = 4096
    person_misses: int = 60
    caller_misses: int = 1200
    address_failures: int = 600
    proxies: str | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read `GONGJI_*` variables; each field has one of its own name."""
        root = Path(__file__).resolve().parent
        given = {
            field.name: _converted(field.type, text)
            for field in fields(cls)
            if (text := environment.get(f"GONGJI_{field.name.upper()}"))
        }
        data = given.get("data") or (root.parent / ".gongji").resolve()
        places = {"data": data, "key_file": data / "keys.json", "regions": root / "regions"}
        values: dict[str, Any] = places | given
        return cls(**values)

    def for_child(self, dsn: str) -> dict[str, str]:
        """The environment of a child process that works on the same ledger, with its keys."""
        own = {
            "GONGJI_DATABASE_URL": dsn,
            "GONGJI_DATA": str(self.data),
            "GONGJI_KEY_FILE": str(self.key_file),
        }
        return {**os.environ, **own}


def _converted(kind: Any, text: str) -> Any:  # noqa: ANN401 -- a field's type and its value
    if kind in (Path, Path | None):
        return Path(text).resolve()
    return kind(text) if kind in (int, float) else text
