"""A quick check by the database alone, without reading the events' states.

Every account's balance is the sum of its events' amounts, every head has its stream's last
version, and no version is missing. It does not check what the events say, as a replay does, and
is fast enough to run every few minutes.
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
"""The topics of kinds without heads: bills, visits, corrections."""
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
    """The number of events, and a difference for every head that is not the sum of its events."""
    diffs = Differences()
    connection = await connect(dsn, SETTINGS)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            events: int = await connection.fetchval("SELECT position FROM log_head")
            for row in await connection.fetch(WRONG, HEADLESS):
                prefix = TOPIC_PREFIX.get((row["topic"] or "").partition(".")[0], "???")
                where = (None, stream_id(prefix, row["stream"].hex))
                is_behind = row["has_head"] and row["at"] != row["version"]
                if is_behind or row["events"] != row["version"]:
                    of_log = f"version {row['version']} of {row['events']} events"
                    diffs.note(where, Mismatch.VERSION, f"version {row['at']}", of_log)
                if (row["fen"] or 0) != (row["sum_fen"] or 0):
                    sums = (f"{row['fen']} fen", f"{row['sum_fen']} fen")
                    diffs.note(where, Mismatch.BALANCE, *sums)
    finally:
        await connection.close()
    return events, diffs
