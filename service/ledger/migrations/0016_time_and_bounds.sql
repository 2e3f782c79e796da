-- One order of events has one time: what was decided before the newest recorded time is not
-- appended, whatever the clock of the process that decided it says.
-- And amounts have bounds here as well: no bucket below zero, nothing set aside that is not there.
-- NOT VALID: what is stored already is a replay's to judge, and a long log is not read at a start.

ALTER TABLE events ADD CONSTRAINT events_amount_bounds
    CHECK (amount_fen BETWEEN -9000000000000000 AND 9000000000000000) NOT VALID;

ALTER TABLE heads ADD COLUMN held_fen bigint;
ALTER TABLE heads ADD CONSTRAINT heads_held_bounds
    CHECK (held_fen BETWEEN 0 AND current_fen + prior_fen) NOT VALID;
COMMENT ON COLUMN heads.held_fen IS
    'fen set aside when the row was written; NULL where the stream is no account, or not written since';

-- As before (0001), and three things more:
--   at     when the earliest command of the batch was decided; where that is before the newest
--          recorded time nothing is appended, and a row `late` says that time
--   e_at   when each event was decided, never running back: its recorded_at
--   h_held what is set aside of each account
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
    p_stream uuid[], p_wrapped bytea[],
    e_at bigint[], h_held bigint[]
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

    IF at < last THEN
        RETURN QUERY SELECT 'late', NULL::integer, NULL::uuid, last, NULL::smallint,
                            NULL::text, NULL::bytea, NULL::bytea;
        in_the_way := 1;
    END IF;
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
        SELECT base + e.ix, e.at, e.stream, e.amount, e.version, e.topic, e.state
          FROM unnest(e_stream, e_version, e_topic, e_amount, e_state, e_at)
               WITH ORDINALITY AS e(stream, version, topic, amount, state, at, ix);
        UPDATE log_head
           SET position = base + cardinality(e_stream), recorded_at = e_at[cardinality(e_at)];
    END IF;
    IF cardinality(h_stream) > 0 THEN
        INSERT INTO heads AS h (stream, current_fen, prior_fen, held_fen, version, kind, state)
        SELECT n.stream, n.current_fen, n.prior_fen, n.held_fen, n.version, n.kind, n.state
          FROM unnest(h_stream, h_kind, h_version, h_current, h_prior, h_held, h_state)
               AS n(stream, kind, version, current_fen, prior_fen, held_fen, state)
            ON CONFLICT (stream) DO UPDATE
           SET current_fen = EXCLUDED.current_fen, prior_fen = EXCLUDED.prior_fen,
               held_fen = EXCLUDED.held_fen,
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

-- What a process of the release before calls while it is being replaced: the same, under the same
-- rule. It knows nothing of `late`, and takes such an answer for an error that applied nothing.
CREATE OR REPLACE FUNCTION append(
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
) LANGUAGE sql VOLATILE AS $$
    SELECT * FROM append(
        at, e_stream, e_version, e_topic, e_amount, e_state, x_stream, x_version,
        h_stream, h_kind, h_version, h_current, h_prior, h_state,
        k_caller, k_key, k_digest, k_stream, k_refusal, k_answer, k_offset, a_caller, a_key,
        n_name, n_stream, n_freed, p_stream, p_wrapped,
        array_fill(at, ARRAY[cardinality(e_stream)]),
        array_fill(NULL::bigint, ARRAY[cardinality(h_stream)]))
$$;
