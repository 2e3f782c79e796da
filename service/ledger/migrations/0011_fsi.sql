-- What the national protocol keeps beside the log: nonces of signed requests, and the files that
-- institutions send and fetch by number. Neither is money; both may be thrown away in time.

CREATE TABLE fsi_nonces (
    caller  text COLLATE "C",
    nonce   text COLLATE "C",
    seen_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, nonce)
);
CREATE INDEX fsi_nonces_by_age ON fsi_nonces (seen_at);

CREATE TABLE fsi_files (
    number   text COLLATE "C",
    caller   text COLLATE "C",
    filename text NOT NULL,
    body     bytea NOT NULL,
    kept_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (caller, number)
);
