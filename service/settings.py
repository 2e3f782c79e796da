"""The settings of one process, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a deployment may choose. `database_url` None means the embedded PostgreSQL.

    `migrate_url` logs in as who may change the schema; None where `database_url` does.
    """

    data: Path
    key_file: Path
    regions: Path
    database_url: str | None = None
    migrate_url: str | None = None
    token_keys: Path | None = None
    kinship_url: str | None = None
    identity_url: str | None = None
    tax_url: str | None = None
    fund_urls: str | None = None
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
        data = Path(environment.get("GONGJI_DATA") or root.parent / ".gongji").resolve()
        keys = environment.get("GONGJI_TOKEN_KEYS")
        return cls(
            data=data,
            key_file=Path(environment.get("GONGJI_KEY_FILE") or data / "keys.json").resolve(),
            regions=Path(environment.get("GONGJI_REGIONS") or root / "regions").resolve(),
            database_url=environment.get("GONGJI_DATABASE_URL") or None,
            migrate_url=environment.get("GONGJI_MIGRATE_URL") or None,
            token_keys=Path(keys).resolve() if keys else None,
            kinship_url=environment.get("GONGJI_KINSHIP_URL") or None,
            identity_url=environment.get("GONGJI_IDENTITY_URL") or None,
            tax_url=environment.get("GONGJI_TAX_URL") or None,
            fund_urls=environment.get("GONGJI_FUND_URLS") or None,
            checkpoint_url=environment.get("GONGJI_CHECKPOINT_URL") or None,
            heads_max=int(environment.get("GONGJI_HEADS_MAX") or 200_000),
            waiting_max=int(environment.get("GONGJI_WAITING_MAX") or 4096),
            deadline_s=float(environment.get("GONGJI_DEADLINE_S") or 10),
            silent_s=float(environment.get("GONGJI_SILENT_S") or 30),
            access_days=int(environment.get("GONGJI_ACCESS_DAYS") or 1095),
            connections_max=int(environment.get("GONGJI_CONNECTIONS_MAX") or 4096),
            person_misses=int(environment.get("GONGJI_PERSON_MISSES") or 60),
            caller_misses=int(environment.get("GONGJI_CALLER_MISSES") or 1200),
            address_failures=int(environment.get("GONGJI_ADDRESS_FAILURES") or 600),
            proxies=environment.get("GONGJI_PROXIES") or None,
        )
