-- Leases: the runs under way. A row appears with the grant and goes with the end of the run.
--
-- Heartbeats change a row in place: no index on anything that they write, and room on the page. No CHECKs (V0001).
-- Locks: none that anybody waits for (new tables only). Roll back by dropping tables and sequences.

-- Orders all leases of this queue. Never reset, and never given out twice: a gap is harmless, a repeat would not be.
CREATE SEQUENCE fencing_token;

-- Rises over all jobs.
CREATE SEQUENCE run_id;

CREATE TABLE lease (
    run_id                  bigint      PRIMARY KEY DEFAULT nextval('run_id'),
    -- Unique: the database itself refuses a second holder.
    job_no                  bigint      NOT NULL,
    fencing_token           bigint      NOT NULL DEFAULT nextval('fencing_token'),
    -- The job's name again, so that a holder's write can restate it without a look elsewhere.
    job_id                  text        NOT NULL,
    -- That of the schedule: whoever changes that during the run changes it here, too.
    generation              bigint      NOT NULL,
    -- The host that the run counts for, and the type, whatever becomes of the schedule meanwhile.
    host_id                 bigint      NOT NULL,
    rcs_type                text        NOT NULL,

    worker_id               text        NOT NULL,
    worker_version          text        NOT NULL,
    -- The request that it was granted to.
    request_id              uuid        NOT NULL,

    -- The place in its line that the job had: given back if the run ends without having been one.
    due_at                  timestamptz NOT NULL,
    requested_at            timestamptz,
    requested_by            text,
    -- A request that came during the run: for one more after this one.
    rerun_requested_at      timestamptz,
    rerun_requested_by      text,
    -- The job's newest run that is over.
    previous_run_id         bigint,
    -- What the holder was told about earlier holders.
    after_reclaim           boolean     NOT NULL,

    started_at              timestamptz NOT NULL,
    heartbeat_at            timestamptz NOT NULL,
    -- From here on the queue may take the job back. By this database's clock.
    expires_at              timestamptz NOT NULL,
    -- Why the run is to stop (deleted, requested, deadline, stalled): told with every heartbeat's answer.
    cancel_cause            text,
    cancel_reason           text,
    -- No heartbeat extends the lease beyond this: set for a run that was told to stop.
    ends_by                 timestamptz,

    -- The stage the run is in; none before its first report.
    stage                   text,
    progress_done           bigint      NOT NULL DEFAULT 0,
    -- None while unknown.
    progress_total          bigint,
    progress_unit           text        NOT NULL DEFAULT '',
    -- Bytes received from the source in this stage.
    progress_received_bytes bigint      NOT NULL DEFAULT 0,
    -- When anything of that last changed.
    progress_at             timestamptz NOT NULL,

    CONSTRAINT lease_one_per_job UNIQUE (job_no)
)
-- A heartbeat leaves one dead row behind, which the next one cleans up: as many as there are leases call for no vacuum.
WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 1, autovacuum_vacuum_threshold = 1000,
      autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 1);

-- Serves the counts of a host's runs.
CREATE INDEX lease_of_host ON lease (host_id);

-- Which AcquireLeases calls were granted what, for as long as a repeat may come.
CREATE TABLE lease_request (
    request_id              uuid        PRIMARY KEY,
    worker_id               text        NOT NULL,
    job_nos                 bigint[]    NOT NULL,
    granted_at              timestamptz NOT NULL
);

-- Serves queue.forget_requests. Rows come in the order of time: a summary per block is enough.
CREATE INDEX lease_request_age ON lease_request USING brin (granted_at) WITH (pages_per_range = 16);
