"""The quick check: what the database itself adds up, without a look into the events' states.

Every account's balance is the sum of its events' typed amounts, every head stands at its
stream's last version, and no version is missing. It is no proof of what the events say (a
replay reads them), and fast enough to run every few minutes.
"""

from service.ledger.codec import KINDS, TOPIC_PREFIX, stream_id
from service.ledger.postgres.connect import connect
from service.ledger.postgres.roles import READER
from service.replay.differences import Differences, Mismatch

SETTINGS = {
    "role": READER,
    "jit": "off",
    "application_name": "gongji-balances",
    "work_mem": "256MB",
}
HEADLESS = [f"{word}.%" for word, prefix in TOPIC_PREFIX.items() if not KINDS[prefix].has_head]
"""The topics of bills, visits and corrections: kinds that keep no head."""
WRONG = """
    WITH compared AS (
        SELECT coalesce(h.stream, e.stream) AS stream, t.topic, h.version AS at,
               h.stream IS NOT NULL OR coalesce(t.topic NOT LIKE ALL ($1::text[]), true)
                   AS has_head,
               h.current_fen::numeric + h.prior_fen AS fen,
               e.version, e.events, e.fen AS sum_fen
          FROM heads h FULL JOIN (
               SELECT v.stream, max(v.version) AS version, count(*) AS events,
                      coalesce(sum(v.amount_fen), 0) AS fen, min(v.topic) AS any_topic
                 FROM events v GROUP BY v.stream) e ON e.stream = h.stream
          LEFT JOIN topics t ON t.id = e.any_topic)
    SELECT * FROM compared
     WHERE events IS DISTINCT FROM version OR (has_head AND at IS DISTINCT FROM version)
        OR coalesce(fen, 0) <> coalesce(sum_fen, 0)
     ORDER BY stream LIMIT 1000
"""


async def check_balances(dsn: str) -> tuple[int, Differences]:
    """Add everything up; how many events there are, and every head that is not their sum."""
    found = Differences()
    connection = await connect(dsn, SETTINGS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            events: int = await connection.fetchval("SELECT position FROM log_head")
            for row in await connection.fetch(WRONG, HEADLESS):
                prefix = TOPIC_PREFIX.get((row["topic"] or "").partition(".")[0], "???")
                where = (None, stream_id(prefix, row["stream"].hex))
                is_behind = row["has_head"] and row["at"] != row["version"]
                if is_behind or row["events"] != row["version"]:
                    told = f"version {row['version']} of {row['events']} events"
                    found.note(where, Mismatch.VERSION, f"version {row['at']}", told)
                if (row["fen"] or 0) != (row["sum_fen"] or 0):
                    found.note(
                        where, Mismatch.BALANCE, f"{row['fen']} fen", f"{row['sum_fen']} fen"
                    )
    finally:
        await connection.close()
    return events, found
