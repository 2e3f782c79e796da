"""`api migrate`: bring the database to this release's schema, before a rollout (k8s/migrate.yaml).

Every start also migrates; a migration before the rollout keeps new pods from waiting or failing.
"""

import asyncio
import sys

import asyncpg

from api.commands.terminal import logins, parser, settings_of
from service.embedded_postgres.cluster import ClusterStartError
from service.embedded_postgres.server import ClusterHeldError
from service.ledger.migrate import MigrationChangedError, migrate
from service.ledger.postgres.roles import RolesMissingError


def main(arguments: list[str]) -> int:
    """Apply missing migrations, and print their names."""
    options = parser("migrate", "Bring the database to this release's schema.").parse_args(
        arguments
    )
    try:
        with logins(settings_of(options)) as dsns:
            applied = asyncio.run(migrate(dsns.migrator))
    except MigrationChangedError as error:
        return _fail(f"the database was migrated by another release: {error}")
    except (ClusterHeldError, ClusterStartError, RolesMissingError) as error:
        return _fail(str(error))
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        sqlstate = getattr(error, "sqlstate", None)
        return _fail(f"the database refused: {type(error).__name__} {sqlstate or ''}".rstrip())
    for name in applied:
        print(f"applied {name}")
    print("the schema is this release's")
    return 0


def _fail(why: str) -> int:
    print(f"gongji: {why}", file=sys.stderr)
    return 1
