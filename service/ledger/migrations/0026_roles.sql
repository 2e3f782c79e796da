-- Least rights for the roles that service/ledger/postgres/roles.py makes before this file is applied.
-- What the ledger's owner owned until now goes to gongji_owner, and the read models to
-- gongji_projector. Every later file is applied as gongji_owner.

DO $$
DECLARE
    here text := quote_ident(current_schema());
    was oid := (SELECT relowner FROM pg_class WHERE oid = 'log_head'::regclass);
    read_models text := '^(bindings|settlements|statements|settlement_moves|credential_links|bills'
                        '|open_premiums|corrections|visits|signals)(_.+)?$';
    it record;
BEGIN
    EXECUTE format('GRANT USAGE ON SCHEMA %s TO gongji_writer, gongji_reader, gongji_auditor', here);
    EXECUTE format('GRANT USAGE, CREATE ON SCHEMA %s TO gongji_owner, gongji_projector', here);
    FOR it IN
        SELECT c.oid::regclass AS name,
               CASE WHEN c.relname ~ read_models AND c.relkind = 'r'
                    THEN 'gongji_projector' ELSE 'gongji_owner' END AS owner
          FROM pg_class c
         WHERE c.relnamespace = here::regnamespace AND c.relowner = was
           AND c.relkind IN ('r', 'p', 'v', 'm')
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER TABLE %s OWNER TO %s', it.name, it.owner);
    END LOOP;
    FOR it IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
         WHERE p.pronamespace = here::regnamespace AND p.proowner = was
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO gongji_owner', it.name);
    END LOOP;

    -- A read model's tables: the writer keeps their rows.
    SET LOCAL ROLE gongji_projector;
    FOR it IN
        SELECT c.oid::regclass AS name FROM pg_class c
         WHERE c.relnamespace = here::regnamespace AND c.relowner = 'gongji_projector'::regrole
           AND c.relkind = 'r'
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO gongji_writer', it.name);
        EXECUTE format('GRANT SELECT ON %s TO gongji_reader', it.name);
    END LOOP;
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s'
                   ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO gongji_writer', here);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s'
                   ' GRANT SELECT ON TABLES TO gongji_reader', here);

    -- The ledger's own. A table of a later file is the writer's to keep, unless that file says
    -- otherwise; tests/service/ledger/test_roles.py lists every right.
    SET LOCAL ROLE gongji_owner;
    FOR it IN
        SELECT c.oid::regclass AS name FROM pg_class c
         WHERE c.relnamespace = here::regnamespace AND c.relowner = 'gongji_owner'::regrole
           AND c.relkind IN ('r', 'p', 'v', 'm')
    LOOP
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO gongji_writer', it.name);
        EXECUTE format('GRANT SELECT ON %s TO gongji_reader', it.name);
    END LOOP;
    FOR it IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
         WHERE p.pronamespace = here::regnamespace AND p.proowner = 'gongji_owner'::regrole
    LOOP
        EXECUTE format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', it.name);
        EXECUTE format('GRANT EXECUTE ON ROUTINE %s TO gongji_writer', it.name);
    END LOOP;
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s'
                   ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO gongji_writer', here);
    EXECUTE format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s'
                   ' GRANT SELECT ON TABLES TO gongji_reader', here);
END $$;

SET LOCAL ROLE gongji_owner;

-- What is added to and never rewritten.
REVOKE UPDATE, DELETE ON accesses, checkpoints, command_keys, events, seal_keys, snapshots,
    topics, tree_nodes FROM gongji_writer;
-- One row each, made by a migration.
REVOKE INSERT, DELETE ON access_head, log_head, tree_edge FROM gongji_writer;
REVOKE INSERT, UPDATE, DELETE ON balances, migrations, stored_events FROM gongji_writer;
-- What is kept up and never removed.
REVOKE DELETE ON cosignatures, heads, tracking FROM gongji_writer;
REVOKE UPDATE ON fsi_files, fsi_nonces, unique_names FROM gongji_writer;

GRANT SELECT ON access_head, accesses, checkpoints, cosignatures, events, fingerprints, log_head,
    seal_keys, stored_events, topics, tree_edge, tree_nodes TO gongji_auditor;
-- Any login may look whether the schema is its release's.
GRANT SELECT ON migrations TO PUBLIC;

RESET ROLE;
