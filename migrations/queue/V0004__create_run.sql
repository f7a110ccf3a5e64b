-- Finished runs, each written once and complete, in the one order in which the registry hears of them; and what runs
-- said. A run under way is in `lease`.
--
-- The place in that order is drawn from a counter row, whose lock lasts until the commit: so numbers become visible in
-- their order, without gaps, and whoever has read number n can never have missed a lower one. Ends of runs come in
-- batches; one draw serves a batch. No CHECKs (V0001).
--
-- Locks: none that anybody waits for (new tables only). Roll back by dropping the tables.

CREATE TABLE run (
    run_id                  bigint      PRIMARY KEY,
    -- Position among the ends of all runs: dense, from 1.
    sequence                bigint      NOT NULL UNIQUE,
    job_no                  bigint      NOT NULL,
    -- The run of this job before it; none before the first. So the runs of a job are read one after the other, newest
    -- first, by their key. An index on the job would be written all over with every run, and cost more than the run.
    previous_run_id         bigint,
    fencing_token           bigint      NOT NULL,
    worker_id               text        NOT NULL,
    worker_version          text        NOT NULL,
    requested_by            text,
    started_at              timestamptz NOT NULL,
    heartbeat_at            timestamptz NOT NULL,
    finished_at             timestamptz NOT NULL,

    -- The stage it ended in, and the last progress reported.
    stage                   text,
    progress_done           bigint      NOT NULL,
    progress_total          bigint,
    progress_unit           text        NOT NULL,
    progress_received_bytes bigint      NOT NULL,

    outcome                 text        NOT NULL,
    message                 text        NOT NULL,
    -- What was done; none of the three if nobody told (reclaimed, released).
    refs_changed_count      bigint,
    new_revision_count      bigint,
    received_bytes          bigint,

    -- What the end meant for the schedule, as it was then. A repeated finish gets the same answer from here.
    next_due_at             timestamptz,
    stop_reason             text,
    generation              bigint      NOT NULL,
    failure_count           integer     NOT NULL
);

-- The last number given out. One row, which ends of runs lock.
CREATE TABLE run_counter (
    only_row        boolean PRIMARY KEY DEFAULT true,
    last_sequence   bigint  NOT NULL
)
WITH (fillfactor = 10, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000);

INSERT INTO run_counter (last_sequence) VALUES (0);

-- Written by heartbeats and by the finish, numbered by the worker, so that a repeated line is known by its number.
CREATE TABLE run_log_line (
    -- In `lease` while the run is under way, in `run` after that.
    run_id      bigint      NOT NULL,
    -- From 1. The upper bound keeps one talkative run from filling the disk; what comes after is dropped.
    line_number integer     NOT NULL CHECK (line_number BETWEEN 1 AND 10000),
    -- By the worker's clock: for people only.
    logged_at   timestamptz NOT NULL,
    stage       text        CHECK (stage IN ('probe', 'fetch', 'convert', 'publish', 'scan')),
    text        text        NOT NULL CHECK (octet_length(text) <= 4000),

    -- Serves queue.read_log, too.
    PRIMARY KEY (run_id, line_number)
);
