-- The ledger: one total order of events, and what must be true at the moment it grows.
-- Amounts in fen, moments in microseconds since 1970.

CREATE TABLE log_head (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    position    bigint NOT NULL,
    recorded_at bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO log_head VALUES (true, 0, 0);

CREATE TABLE topics (
    id    smallint PRIMARY KEY,
    topic text NOT NULL UNIQUE
);

CREATE TABLE events (
    position    bigint PRIMARY KEY,
    recorded_at bigint NOT NULL,
    stream      uuid NOT NULL,
    amount_fen  bigint,
    version     integer NOT NULL CHECK (version >= 0),
    topic       smallint NOT NULL,
    state       bytea NOT NULL,
    UNIQUE (stream, version)
);
ALTER TABLE events ALTER state SET STORAGE EXTERNAL;

-- The layout that the eventsourcing library's own PostgreSQL recorder reads.
CREATE VIEW stored_events AS
SELECT e.stream AS originator_id, e.version::bigint AS originator_version,
       t.topic, e.state, e.position AS notification_id
  FROM events e JOIN topics t ON t.id = e.topic;

-- Version and folded state of a stream; for an account its balance with the checks.
CREATE TABLE heads (
    stream      uuid PRIMARY KEY,
    current_fen bigint CHECK (current_fen >= 0),
    prior_fen   bigint CHECK (prior_fen >= 0),
    version     integer NOT NULL,
    kind        smallint NOT NULL,
    state       bytea NOT NULL
) WITH (fillfactor = 70);
ALTER TABLE heads ALTER state SET STORAGE EXTERNAL;

CREATE VIEW balances AS
SELECT stream, current_fen, prior_fen, version FROM heads WHERE current_fen IS NOT NULL;

-- Every command that used up its key, what its body was, and what it was answered.
CREATE TABLE command_keys (
    caller   text COLLATE "C",
    key      text COLLATE "C",
    position bigint NOT NULL,
    stream   uuid,
    refusal  text,
    digest   bytea NOT NULL,
    answer   bytea NOT NULL,
    PRIMARY KEY (caller, key)
);

-- What may exist once: a keyed digest of a name, and the stream that has it.
CREATE TABLE unique_names (
    name   bytea PRIMARY KEY,
    stream uuid NOT NULL
);

-- A key per person, wrapped; destroying it erases the person.
CREATE TABLE person_keys (
    stream  uuid PRIMARY KEY,
    wrapped bytea NOT NULL
);

-- How far each follower of the log has come.
CREATE TABLE follower_positions (
    follower text PRIMARY KEY,
    position bigint NOT NULL
);

-- What this ledger is sealed with; a process with other keys must not start.
CREATE TABLE fingerprints (
    name        text PRIMARY KEY,
    fingerprint text NOT NULL
);

-- Append a batch, or say why not. VOLATILE at READ COMMITTED: every statement below sees
-- what was committed when the lock was taken. Nothing is raised for staleness; rows say it:
--   known  a key that is used up: its index, stream, position, refusal, digest, answer
--   asked  the same for a key that was only asked for; never in the way of the batch
--   stale  a stream that is not at the expected version: its version, kind and head
--   taken  a name that another stream has: its index and that stream
--   done   the batch is in the log; `number` is the position before its first event
CREATE FUNCTION append(
    at bigint,
    e_stream uuid[], e_version integer[], e_topic smallint[], e_amount bigint[], e_state bytea[],
    x_stream uuid[], x_version integer[],
    h_stream uuid[], h_kind smallint[], h_version integer[],
    h_current bigint[], h_prior bigint[], h_state bytea[],
    k_caller text[], k_key text[], k_digest bytea[], k_stream uuid[], k_refusal text[],
    k_answer bytea[], k_offset integer[],
    a_caller text[], a_key text[],
    n_name bytea[], n_stream uuid[], n_freed bytea[],
    p_stream uuid[], p_wrapped bytea[]
) RETURNS TABLE (
    what text, ix integer, stream uuid, number bigint, kind smallint,
    refusal text, digest bytea, body bytea
) LANGUAGE plpgsql VOLATILE AS $$
#variable_conflict use_column
DECLARE
    base bigint;
    last bigint;
    found_rows bigint;
    in_the_way bigint := 0;
BEGIN
    SELECT h.position, h.recorded_at INTO STRICT base, last FROM log_head h FOR UPDATE;

    IF cardinality(a_key) > 0 THEN
        RETURN QUERY
        SELECT 'asked', a.ix::integer, c.stream, c.position, NULL::smallint,
               c.refusal, c.digest, c.answer
          FROM unnest(a_caller, a_key) WITH ORDINALITY AS a(caller, key, ix)
          JOIN command_keys c ON c.caller = a.caller AND c.key = a.key;
    END IF;
    IF cardinality(k_key) > 0 THEN
        RETURN QUERY
        SELECT 'known', k.ix::integer, c.stream, c.position, NULL::smallint,
               c.refusal, c.digest, c.answer
          FROM unnest(k_caller, k_key) WITH ORDINALITY AS k(caller, key, ix)
          JOIN command_keys c ON c.caller = k.caller AND c.key = k.key;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        in_the_way := in_the_way + found_rows;
    END IF;
    IF cardinality(x_stream) > 0 THEN
        RETURN QUERY
        SELECT 'stale', NULL::integer, x.stream, coalesce(h.version, e.version, 0)::bigint, h.kind,
               NULL::text, NULL::bytea, h.state
          FROM unnest(x_stream, x_version) AS x(stream, version)
          LEFT JOIN heads h ON h.stream = x.stream
          LEFT JOIN LATERAL (
               SELECT max(v.version) AS version FROM events v
                WHERE h.stream IS NULL AND v.stream = x.stream) e ON true
         WHERE coalesce(h.version, e.version, 0) <> x.version;
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        in_the_way := in_the_way + found_rows;
    END IF;
    IF cardinality(n_name) > 0 THEN
        RETURN QUERY
        SELECT 'taken', n.ix::integer, u.stream, NULL::bigint, NULL::smallint,
               NULL::text, NULL::bytea, NULL::bytea
          FROM unnest(n_name) WITH ORDINALITY AS n(name, ix)
          JOIN unique_names u ON u.name = n.name
         WHERE u.name <> ALL (n_freed);
        GET DIAGNOSTICS found_rows = ROW_COUNT;
        in_the_way := in_the_way + found_rows;
    END IF;
    IF in_the_way > 0 THEN
        RETURN;
    END IF;

    IF cardinality(e_stream) > 0 THEN
        INSERT INTO events (position, recorded_at, stream, amount_fen, version, topic, state)
        SELECT base + e.ix, greatest(at, last), e.stream, e.amount, e.version, e.topic, e.state
          FROM unnest(e_stream, e_version, e_topic, e_amount, e_state)
               WITH ORDINALITY AS e(stream, version, topic, amount, state, ix);
        UPDATE log_head
           SET position = base + cardinality(e_stream), recorded_at = greatest(at, last);
    END IF;
    IF cardinality(h_stream) > 0 THEN
        INSERT INTO heads AS h (stream, current_fen, prior_fen, version, kind, state)
        SELECT n.stream, n.current_fen, n.prior_fen, n.version, n.kind, n.state
          FROM unnest(h_stream, h_kind, h_version, h_current, h_prior, h_state)
               AS n(stream, kind, version, current_fen, prior_fen, state)
            ON CONFLICT (stream) DO UPDATE
           SET current_fen = EXCLUDED.current_fen, prior_fen = EXCLUDED.prior_fen,
               version = EXCLUDED.version, state = EXCLUDED.state;
    END IF;
    IF cardinality(k_key) > 0 THEN
        INSERT INTO command_keys (caller, key, position, stream, refusal, digest, answer)
        SELECT k.caller, k.key, base + k.events, k.stream, k.refusal, k.digest, k.answer
          FROM unnest(k_caller, k_key, k_digest, k_stream, k_refusal, k_answer, k_offset)
               AS k(caller, key, digest, stream, refusal, answer, events);
    END IF;
    IF cardinality(n_freed) > 0 THEN
        DELETE FROM unique_names u WHERE u.name = ANY (n_freed);
    END IF;
    IF cardinality(n_name) > 0 THEN
        INSERT INTO unique_names (name, stream)
        SELECT n.name, n.stream FROM unnest(n_name, n_stream) AS n(name, stream);
    END IF;
    IF cardinality(p_stream) > 0 THEN
        INSERT INTO person_keys (stream, wrapped)
        SELECT p.stream, p.wrapped FROM unnest(p_stream, p_wrapped) AS p(stream, wrapped);
    END IF;
    RETURN QUERY SELECT 'done', NULL::integer, NULL::uuid, base, NULL::smallint,
                        NULL::text, NULL::bytea, NULL::bytea;
END $$;
