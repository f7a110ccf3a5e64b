-- Jobs: the queue's side of one import, one row for as long as anybody may still speak of it.
--
-- A deleted job stays as a tombstone: its generation refuses older messages that are still on their way.
-- Locks: none that anybody waits for (new tables only). Roll back by dropping the table and the sequence.

CREATE TABLE job (
    -- The registry's import id.
    job_id              text        PRIMARY KEY
                                    CHECK (job_id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),

    -- What the registry wants: the schedule in force and the number of its version.
    generation          bigint      NOT NULL CHECK (generation > 0),
    wanted              text        NOT NULL CHECK (wanted IN ('active', 'suspended', 'deleted')),
    -- From start to start, in milliseconds.
    update_interval_ms  bigint      NOT NULL CHECK (update_interval_ms >= 1000),
    rcs_type            text        NOT NULL CHECK (rcs_type IN ('git', 'svn', 'cvs', 'hg', 'bzr')),
    source_host         text        NOT NULL CHECK (length(source_host) <= 255),

    -- What the job does now.
    state               text        NOT NULL CHECK (state IN ('waiting', 'running', 'stopped')),
    -- Earliest start of the next run; only while waiting.
    due_at              timestamptz,
    -- Why the queue itself stopped it; only while stopped, and not if the registry wants it stopped.
    stop_reason         text        CHECK (stop_reason IN ('failure_limit', 'permanent_failure', 'crash_loop')),

    -- The lease; only while running.
    run_id              bigint,
    fencing_token       bigint,
    -- From here on the queue may take the job back. By this database's clock.
    lease_expires_at    timestamptz,

    -- An open request of a person for a run. While running: for one more run after this one.
    requested_at        timestamptz,
    requested_by        text        CHECK (length(requested_by) <= 200),

    -- Counted failures since the last good run.
    failure_count       integer     NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
    -- Reclaims since the last run that a worker finished.
    reclaim_count       integer     NOT NULL DEFAULT 0 CHECK (reclaim_count >= 0),
    -- Set by a reclaim, cleared by the next run that did its work: until then the reclaimed holder may be alive, and
    -- no later one has moved the fence in the target past it.
    after_reclaim       boolean     NOT NULL DEFAULT false,
    -- Start of the last run; intervals are counted from here.
    last_started_at     timestamptz,

    CONSTRAINT waiting_job_is_wanted_and_due
        CHECK ((state = 'waiting') = (due_at IS NOT NULL)
               AND (state <> 'waiting' OR wanted = 'active')),
    CONSTRAINT running_job_has_a_lease
        CHECK ((state = 'running') = (run_id IS NOT NULL)
               AND (run_id IS NULL) = (fencing_token IS NULL)
               AND (run_id IS NULL) = (lease_expires_at IS NULL)),
    CONSTRAINT stopped_job_is_unwanted_or_says_why
        CHECK ((stop_reason IS NULL OR state = 'stopped')
               AND (state <> 'stopped' OR wanted <> 'active' OR stop_reason IS NOT NULL)),
    CONSTRAINT request_says_who
        CHECK ((requested_at IS NULL) = (requested_by IS NULL)
               AND (state <> 'stopped' OR requested_at IS NULL))
);

-- Serves queue.acquire_leases, first half: what people asked for, oldest due first.
CREATE INDEX job_requested ON job (due_at, job_id)
    WHERE state = 'waiting' AND requested_at IS NOT NULL;

-- Serves queue.acquire_leases, second half, and queue.next_due: what is due by schedule, oldest first.
CREATE INDEX job_due ON job (due_at, job_id)
    WHERE state = 'waiting' AND requested_at IS NULL;

-- Serves queue.lock_expired: leases in the order in which they run out.
CREATE INDEX job_lease_expiry ON job (lease_expires_at)
    WHERE state = 'running';

-- Orders all leases of this queue. Never reset, and never given out twice: a gap is harmless, a repeat would not be.
CREATE SEQUENCE fencing_token;
