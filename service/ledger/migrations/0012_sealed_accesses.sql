-- A checkpoint signs the access log's head as well: two of the same rows may differ in it.
-- 0 stands in those that were signed before, and said nothing of accesses.

ALTER TABLE cosignatures DROP CONSTRAINT cosignatures_size_fkey;
ALTER TABLE checkpoints ADD accesses bigint NOT NULL DEFAULT 0;
ALTER TABLE checkpoints DROP CONSTRAINT checkpoints_pkey;
ALTER TABLE checkpoints ADD PRIMARY KEY (size, accesses);
CREATE INDEX checkpoints_by_accesses ON checkpoints (accesses);
ALTER TABLE cosignatures ADD accesses bigint NOT NULL DEFAULT 0;
ALTER TABLE cosignatures ADD FOREIGN KEY (size, accesses) REFERENCES checkpoints;
