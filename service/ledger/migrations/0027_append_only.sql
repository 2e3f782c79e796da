-- The log and the access log are added to. Their owner may not rewrite them either.

CREATE FUNCTION refuse_rewriting() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is not rewritten', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER refuse_rewriting BEFORE UPDATE OR DELETE OR TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();
CREATE TRIGGER refuse_emptying BEFORE TRUNCATE ON accesses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewriting();

-- As in 0006, and as the owner: the service may not delete accesses by any other way. None
-- leaves before the 180 days that the law asks for (policy.md §6.6), whoever asks.
CREATE OR REPLACE FUNCTION prune_accesses(upto bigint) RETURNS bigint
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER AS $$
DECLARE
    pruned bigint;
    youngest bigint := ((extract(epoch FROM now()) - 180 * 86400) * 1000000)::bigint;
BEGIN
    PERFORM FROM access_head FOR UPDATE;
    IF EXISTS (SELECT FROM accesses WHERE position <= upto AND at > youngest) THEN
        RAISE EXCEPTION 'accesses are kept for 180 days' USING ERRCODE = 'insufficient_privilege';
    END IF;
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
DO $$ BEGIN
    EXECUTE format('ALTER FUNCTION prune_accesses SET search_path = %I, pg_temp', current_schema());
END $$;
