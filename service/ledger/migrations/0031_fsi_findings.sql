-- What the national protocol's clients send that was tolerated or misread: counts of messages by
-- institution, transaction, kind and field name. It holds no value of a message. It may be thrown
-- away at any time; service/his/findings.py bounds and sweeps it.

CREATE TABLE fsi_findings (
    institution text COLLATE "C",
    infno       text COLLATE "C",
    kind        text COLLATE "C",
    place       text COLLATE "C",
    messages    bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (institution, infno, kind, place)
);
