"""The quick check: what the database itself adds up, without a look into the events' states.

Every account's balance is the sum of its events' typed amounts, every head stands at its
stream's last version, and no version is missing. It is no proof of what the events say (a
replay reads them), and fast enough to run every few minutes.
"""

import asyncpg

from service.ledger.codec import BY_CODE, stream_id
from service.replay.differences import Differences, Unlike

SETTINGS = {"jit": "off", "application_name": "gongji-balances", "work_mem": "256MB"}
WRONG = """
    SELECT coalesce(h.stream, e.stream) AS stream, h.kind, h.version AS at,
           h.current_fen + h.prior_fen AS fen, e.version, e.events, e.fen AS sum_fen
      FROM heads h FULL JOIN (
           SELECT v.stream, max(v.version) AS version, count(*) AS events,
                  coalesce(sum(v.amount_fen), 0)::bigint AS fen,
                  min(v.topic) FILTER (WHERE v.version = 1) AS first
             FROM events v GROUP BY v.stream) e ON e.stream = h.stream
      LEFT JOIN topics t ON t.id = e.first
     WHERE (h.stream IS NOT NULL OR t.topic NOT LIKE 'settlement.%')
       AND (h.version IS DISTINCT FROM e.version OR e.events IS DISTINCT FROM e.version
            OR coalesce(h.current_fen + h.prior_fen, 0) <> coalesce(e.fen, 0))
     ORDER BY 1 LIMIT 1000
"""


async def check_balances(dsn: str) -> tuple[int, Differences]:
    """Add everything up; how many events there are, and every head that is not their sum."""
    found = Differences()
    connection = await asyncpg.connect(dsn, server_settings=SETTINGS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            events: int = await connection.fetchval("SELECT position FROM log_head")
            for row in await connection.fetch(WRONG):
                kind = BY_CODE.get(row["kind"])
                prefix = kind.prefix if kind else "???"
                where = (None, stream_id(prefix, row["stream"].hex))
                if row["at"] != row["version"] or row["events"] != row["version"]:
                    told = f"version {row['version']} of {row['events']} events"
                    found.note(where, Unlike.VERSION, f"version {row['at']}", told)
                if (row["fen"] or 0) != (row["sum_fen"] or 0):
                    found.note(where, Unlike.BALANCE, f"{row['fen']} fen", f"{row['sum_fen']} fen")
    finally:
        await connection.close()
    return events, found
