-- Replays that auditors asked for: whichever process runs one, every other can tell of it.
CREATE TABLE replays (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id         text COLLATE "C" NOT NULL UNIQUE,
    as_of      text,
    started_at text NOT NULL,
    status     text NOT NULL,
    ended_at   text,
    done       bigint NOT NULL,
    total      bigint NOT NULL,
    report     text
);
