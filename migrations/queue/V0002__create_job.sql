-- Jobs: the queue's side of one import, one row for as long as anybody may still speak of it; and the jobs that wait.
--
-- What a job does now is told by where else it is: in `waiting`, in `lease`, or in neither (stopped). So a run that
-- goes well writes nothing here.
--
-- A deleted job stays as a tombstone: its generation refuses older messages that are still on their way. As no row ever
-- goes, the tables of each cycle (waiting, lease, run) refer to it without a foreign key, whose check would lock and so
-- write the job's row with every run.
-- Locks: none that anybody waits for (new tables only). Roll back by dropping the tables.

CREATE TABLE job (
    job_no              bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The registry's import id.
    job_id              text        NOT NULL UNIQUE
                                    CHECK (job_id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),

    -- What the registry wants: the schedule in force and the number of its version.
    generation          bigint      NOT NULL CHECK (generation > 0),
    wanted              text        NOT NULL CHECK (wanted IN ('active', 'suspended', 'deleted')),
    -- From start to start, in milliseconds.
    update_interval_ms  bigint      NOT NULL CHECK (update_interval_ms >= 1000),
    -- Bounds of the adaptive mode; NULL: the interval is fixed.
    min_interval_ms     bigint      CHECK (min_interval_ms >= 1000),
    max_interval_ms     bigint      CHECK (max_interval_ms >= min_interval_ms),
    rcs_type            text        NOT NULL CHECK (rcs_type IN ('git', 'svn', 'cvs', 'hg', 'bzr')),
    host_id             bigint      NOT NULL REFERENCES source_host,
    owner               text        NOT NULL CHECK (length(owner) <= 200),
    -- Where it waits by schedule.
    line_id             bigint      NOT NULL REFERENCES line,

    -- Why the queue itself stopped it.
    stop_reason         text        CHECK (stop_reason IN ('failure_limit', 'permanent_failure', 'crash_loop')),
    -- Counted failures since the last good run.
    failure_count       integer     NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    -- Reclaims since the last run that a worker finished.
    reclaim_count       integer     NOT NULL DEFAULT 0 CHECK (reclaim_count >= 0),
    -- Set by a reclaim, cleared by the next run that did its work: until then the reclaimed holder may be alive, and
    -- no later one has moved the fence in the target past it.
    after_reclaim       boolean     NOT NULL DEFAULT false,
    -- The interval that the adaptive mode has come to; NULL: none yet.
    adapted_interval_ms bigint      CHECK (adapted_interval_ms >= 1000),
    -- Its newest run that is over, as long as it neither waits nor runs: else the row in `waiting` or `lease` has that.
    last_run_id         bigint,

    CONSTRAINT bounds_come_together
        CHECK ((min_interval_ms IS NULL) = (max_interval_ms IS NULL)
               AND (min_interval_ms IS NOT NULL OR adapted_interval_ms IS NULL))
)
WITH (fillfactor = 80);

-- Jobs that wait: for their time, their host, or a free worker. Narrow, and without CHECKs (V0001): each run takes a row
-- away and puts one back. A row never changes: whoever moves a job replaces it, so that a lease that knows an older place
-- of it finds nothing.
CREATE TABLE waiting (
    job_no              bigint      PRIMARY KEY,
    line_id             bigint      NOT NULL,
    -- Earliest start.
    due_at              timestamptz NOT NULL,
    -- When it can first have been leased: as it is due, or if that was over when the row was written, then. So whoever has
    -- seen all rows of a time needs to look at later ones only.
    ready_at            timestamptz NOT NULL,
    -- Why it is due when it is, for people.
    due_reason          text        NOT NULL DEFAULT 'interval',
    -- An open request of a person for a run.
    requested_at        timestamptz,
    requested_by        text,
    -- Its newest run that is over; NULL before the first.
    last_run_id         bigint
)
-- A page with less than a tenth of it free is pruned by whoever looks at it, again and again: 7 % of what leases and ends cost
-- where jobs come in no order.
WITH (fillfactor = 88, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000,
      autovacuum_analyze_threshold = 10000, autovacuum_analyze_scale_factor = 1);

-- Serves queue.sweep.
CREATE INDEX waiting_ready ON waiting (ready_at, job_no);
