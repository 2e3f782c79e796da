"""The ledger for readers of the eventsourcing library, and how a settlement is event-sourced.

    from service.ledger.recorder import LedgerApplication

    with LedgerApplication({"GONGJI_DATABASE_URL": dsn}) as ledger:
        bill = ledger.repository.get("stl_…")                # a Settlement, folded by its `evolve`
        before = ledger.repository.get("acc_…", version=3)   # an Account after its third event
        first = ledger.notification_log.select(1, 10)        # the log, in its one order

The application only reads. Runners and followers of the library can follow it and keep their
position in their own store. A `Follower` reads the log with its own mapper, so its environment
sets MAPPER_TOPIC=service.ledger.recorder:LedgerMapper.

## How `POST /v1/settlements` replays and appends

There is no `repository.get` and no `save` on this path, but the steps are the same.

1. Replay, cached. `service/settlement/settle.py` decides on a `ReadSet` (`read_set.py`). It looks
   for a stream's head, which is its version and folded state, in this order: what earlier
   commands of the same batch wrote, the batch that is on its way to disk, the heads that this
   process caches (`head_cache.py`), the database. Accounts, bindings, kinships, institutions,
   rulebooks, holds, premiums and credential links have a row in `heads`: the fold of all their
   events, written in the transaction of the newest one. Settlements, corrections and visits are
   short and have no head; they are folded from their events when they are read.
2. Decide. The rules are pure: states and a time go in, events come out. Each event is folded onto
   its head at once (`overlay.py`), so the next command of the batch sees it. The read set records
   every version that was read; `Settled` stores them with the policy editions and the time.
3. Append. Many decisions go into one call of the SQL function `append`, which locks the log and
   checks all of this: no decision is older than the newest event; no idempotency key is used up;
   every stream that was read still has the version that was read; no unique name (the bill's
   visit) is taken. Constraints guard the rest: one event per stream and version, no bucket below
   zero, no more money held than there is. Then events, heads, keys and names are written in one
   transaction and the events get the next positions. If any check fails, nothing is written:
   a used-up key gets its stored answer if the body is the same one, and the other commands are
   decided again on fresh heads, this time while the log is locked (`appender.py`).

## How replay decides again

`./gongji replay` (`service/replay/`) reads the log from the first event and folds every stream
with the same `evolve`. At each settlement it calls the same split on the states and policy
editions of that position, at the stored time, and compares the result with the stored event, its
debits and the versions that it read (`redecide/`). A command that only settles one bill is
compared as bytes first; on any mismatch its events are taken one by one and each difference is
reported. Refusals, holds, captures, refunds, cancellations, premiums and corrections are decided
again too. At the end of the log the stored heads, balances, keys, names and read models are
compared with the folds. Inputs that the log does not hold, such as answers of the tax authority,
are taken as recorded.
"""
