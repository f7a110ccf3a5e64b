-- Runs: one attempt at one job, from its lease to its end. Written by the lease, closed by finish, release or
-- reclaim, and never changed after that.
--
-- Locks: none that anybody waits for (new table only). Roll back by dropping the table.

CREATE TABLE run (
    run_id                  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    job_id                  text        NOT NULL REFERENCES job,
    fencing_token           bigint      NOT NULL UNIQUE DEFAULT nextval('fencing_token'),
    state                   text        NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'finished')),

    -- Who holds or held the lease, and the request that it was granted to.
    worker_id               text        NOT NULL CHECK (length(worker_id) BETWEEN 1 AND 200),
    worker_version          text        NOT NULL CHECK (length(worker_version) <= 200),
    request_id              uuid        NOT NULL,

    -- The place in the queue that the job had: given back if the run ends without having been one.
    due_at                  timestamptz NOT NULL,
    requested_at            timestamptz,
    requested_by            text        CHECK (length(requested_by) <= 200),
    -- What the holder was told about earlier holders.
    after_reclaim           boolean     NOT NULL,

    started_at              timestamptz NOT NULL,
    heartbeat_at            timestamptz NOT NULL,
    finished_at             timestamptz,

    -- The stage the run is in, or ended in; none before its first report.
    stage                   text        CHECK (stage IN ('probe', 'fetch', 'convert', 'publish', 'scan')),
    progress_done           bigint      NOT NULL DEFAULT 0,
    -- None while unknown.
    progress_total          bigint,
    progress_unit           text        NOT NULL DEFAULT '' CHECK (length(progress_unit) <= 100),
    -- Bytes received from the source in this stage.
    progress_received_bytes bigint      NOT NULL DEFAULT 0,

    outcome                 text        CHECK (outcome IN (
                                            'success', 'no_change', 'partial', 'failure', 'invalid',
                                            'unsupported_feature', 'forbidden', 'remote_broken', 'unavailable',
                                            'throttled', 'authentication', 'reclaimed', 'cancelled', 'released')),
    message                 text        NOT NULL DEFAULT '' CHECK (octet_length(message) <= 4000),
    -- What was done; none if nobody told (reclaimed, released).
    refs_changed_count      bigint,
    new_revision_count      bigint,
    received_bytes          bigint,
    -- When the job was to run next, as the finish was answered; a repeated finish gets the same answer.
    next_due_at             timestamptz,

    CONSTRAINT finished_run_has_an_outcome
        CHECK ((state = 'finished') = (finished_at IS NOT NULL)
               AND (state = 'finished') = (outcome IS NOT NULL)),
    CONSTRAINT running_run_has_no_result
        CHECK (state = 'finished' OR (next_due_at IS NULL AND refs_changed_count IS NULL)),
    CONSTRAINT stats_come_together
        CHECK ((refs_changed_count IS NULL) = (new_revision_count IS NULL)
               AND (refs_changed_count IS NULL) = (received_bytes IS NULL)),
    CONSTRAINT request_says_who
        CHECK ((requested_at IS NULL) = (requested_by IS NULL))
);

-- The database itself refuses a second holder.
CREATE UNIQUE INDEX run_one_per_job ON run (job_id) WHERE state = 'running';

-- Serves queue.list_runs for one job, newest first, and queue.newest_run.
CREATE INDEX run_by_job ON run (job_id, run_id DESC);

-- Serves queue.held_by_request: a repeated AcquireLeases finds what it was granted.
CREATE INDEX run_by_request ON run (request_id);
