-- Who read what, and who was refused: positions without gaps, each row hashed over the one
-- before it. Rows are added by `record_accesses` and leave by `prune_accesses` alone.
CREATE TABLE accesses (
    position  bigint PRIMARY KEY,
    at        bigint NOT NULL,
    status    smallint NOT NULL,
    caller    text COLLATE "C" NOT NULL,
    role      text COLLATE "C" NOT NULL,
    operation text COLLATE "C" NOT NULL,
    code      text COLLATE "C",
    purpose   text COLLATE "C",
    trace_id  text COLLATE "C" NOT NULL,
    streams   text[] COLLATE "C" NOT NULL,
    hash      bytea NOT NULL
);
CREATE INDEX accesses_by_caller ON accesses (caller, position);
CREATE INDEX accesses_by_stream ON accesses USING gin (streams);
CREATE INDEX accesses_by_time ON accesses USING brin (at);
CREATE INDEX accesses_by_code ON accesses (code, position) WHERE code IS NOT NULL;

-- The newest row's position and hash; and those of the last row that was pruned, the anchor.
CREATE TABLE access_head (
    position        bigint NOT NULL,
    hash            bytea NOT NULL,
    anchor_position bigint NOT NULL,
    anchor_hash     bytea NOT NULL
);
CREATE UNIQUE INDEX access_head_one ON access_head ((true));
INSERT INTO access_head VALUES (0, sha256(''), 0, sha256(''));

CREATE FUNCTION keep_accesses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('gongji.pruning', true) = 'on' THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the access log is not rewritten';
END $$;
CREATE TRIGGER keep_accesses BEFORE UPDATE OR DELETE ON accesses
    FOR EACH ROW EXECUTE FUNCTION keep_accesses();

-- One call adds a group; a row's hash is SHA-256 over 0x01, the hash before, position, leaf.
CREATE FUNCTION record_accesses(
    a_at bigint[], a_status smallint[], a_caller text[], a_role text[], a_operation text[],
    a_code text[], a_purpose text[], a_trace_id text[], a_streams text[], a_leaf bytea[]
) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    base bigint;
    link bytea;
    links bytea[] := '{}';
BEGIN
    SELECT h.position, h.hash INTO STRICT base, link FROM access_head h FOR UPDATE;
    FOR n IN 1 .. cardinality(a_leaf) LOOP
        link := sha256('\x01'::bytea || link || int8send(base + n) || a_leaf[n]);
        links[n] := link;
    END LOOP;
    INSERT INTO accesses (position, at, status, caller, role, operation,
                          code, purpose, trace_id, streams, hash)
    SELECT base + a.n, a.at, a.status, a.caller, a.role, a.operation,
           a.code, a.purpose, a.trace_id, string_to_array(a.streams, ' '), a.hash
      FROM unnest(a_at, a_status, a_caller, a_role, a_operation,
                  a_code, a_purpose, a_trace_id, a_streams, links)
           WITH ORDINALITY AS a(at, status, caller, role, operation,
                                code, purpose, trace_id, streams, hash, n);
    UPDATE access_head SET position = base + cardinality(a_leaf), hash = link;
    RETURN base;
END $$;

-- Forget the rows up to a position; the last one's hash stays as the chain's anchor.
CREATE FUNCTION prune_accesses(upto bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    pruned bigint;
BEGIN
    PERFORM FROM access_head FOR UPDATE;
    UPDATE access_head SET anchor_position = a.position, anchor_hash = a.hash
      FROM accesses a WHERE a.position = upto;
    IF NOT FOUND THEN
        RETURN 0;
    END IF;
    PERFORM set_config('gongji.pruning', 'on', true);
    DELETE FROM accesses WHERE position <= upto;
    GET DIAGNOSTICS pruned = ROW_COUNT;
    PERFORM set_config('gongji.pruning', '', true);
    RETURN pruned;
END $$;
