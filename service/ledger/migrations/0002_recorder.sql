-- What the eventsourcing library keeps beside the log (recorder.py), under its own names.

-- How far each projection and process of the library has come. Two that follow the same
-- application keep apart: `follower` is the name that their environment gives them.
CREATE TABLE tracking (
    follower         text COLLATE "C",
    application_name text COLLATE "C",
    notification_id  bigint NOT NULL,
    PRIMARY KEY (follower, application_name)
);

-- Snapshots of the library's aggregates; ours need none, they have heads.
CREATE TABLE snapshots (
    originator_id      uuid,
    originator_version bigint,
    topic              text NOT NULL,
    state              bytea NOT NULL,
    PRIMARY KEY (originator_id, originator_version)
);
