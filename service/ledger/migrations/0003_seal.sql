-- The proof that the log was not rewritten: a Merkle tree over all rows, sealed by a follower.
-- A row's leaf is made from the row whenever it is needed; only nodes above are kept.

-- Which ledger this is: the origin of its checkpoints. A restored backup is the same ledger.
INSERT INTO fingerprints VALUES ('ledger', left(replace(gen_random_uuid()::text, '-', ''), 16));

-- Roots of complete subtrees at levels 8, 16, 24, …: one for 256 of the level below.
CREATE TABLE tree_nodes (
    level smallint,
    ix    bigint,
    hash  bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (level, ix)
);

-- The right edge: roots of the complete subtrees that the first `size` rows fall into.
CREATE TABLE tree_edge (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL,
    edge bytea NOT NULL
) WITH (fillfactor = 10);
INSERT INTO tree_edge VALUES (true, 0, '');

-- Every signed checkpoint, as signed.
CREATE TABLE checkpoints (
    size bigint PRIMARY KEY,
    root bytea NOT NULL,
    note text NOT NULL
);

-- Every key that ever signed here, and the size it began at.
CREATE TABLE seal_keys (
    verifier_key text PRIMARY KEY,
    began_at     bigint NOT NULL
);

-- The newest cosignature of each witness.
CREATE TABLE cosignatures (
    witness      text COLLATE "C" PRIMARY KEY,
    verifier_key text NOT NULL,
    size         bigint NOT NULL REFERENCES checkpoints,
    line         text NOT NULL
);
