-- Rehearsals of drafts, as the replays of 0013; `as_of` is what was asked for, in JSON.
CREATE TABLE rehearsals (LIKE replays INCLUDING ALL);
