-- Events that a read model could not take. It goes on behind them; a rebuild tries them again.
-- `cause` is the class of the error, `detail` where it was raised: neither holds personal data.
CREATE TABLE parked (
    projection text COLLATE "C",
    position   bigint,
    cause      text NOT NULL,
    detail     text NOT NULL,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, position)
);
