"""Every row of a database as text, as a dump would hold it."""

from asyncpg import Pool

TABLES = """
    SELECT oid::regclass::text AS name FROM pg_class
     WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 1
"""


async def dump(pool: Pool) -> str:
    """All tables, row by row; stored bytes that are text are shown as text too."""
    lines: list[str] = []
    for (name,) in await pool.fetch(TABLES):
        for row in await pool.fetch(f"SELECT t, t::text AS line FROM {name} t"):  # noqa: S608
            lines.append(f"{name} {row['line']}")
            lines += [
                value.decode("utf-8", "replace") for value in row["t"] if isinstance(value, bytes)
            ]
    return "\n".join(lines)


def traces(text: str, *secrets: str) -> list[str]:
    """Which of these values a text holds, in clear or as hexadecimal digits."""
    low = text.lower()
    return [s for s in secrets if s.lower() in low or s.encode().hex() in low]
