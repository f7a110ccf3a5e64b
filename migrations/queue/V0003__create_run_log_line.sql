-- What runs said. Written by heartbeats and by the finish, numbered by the worker, so that a repeated line is known
-- by its number.
--
-- Locks: none that anybody waits for (new table only). Roll back by dropping the table.

CREATE TABLE run_log_line (
    run_id      bigint      NOT NULL REFERENCES run,
    -- From 1. The upper bound keeps one talkative run from filling the disk; what comes after is dropped.
    line_number integer     NOT NULL CHECK (line_number BETWEEN 1 AND 10000),
    -- By the worker's clock: for people only.
    logged_at   timestamptz NOT NULL,
    stage       text        CHECK (stage IN ('probe', 'fetch', 'convert', 'publish', 'scan')),
    text        text        NOT NULL CHECK (octet_length(text) <= 4000),

    -- Serves queue.read_log, too.
    PRIMARY KEY (run_id, line_number)
);
