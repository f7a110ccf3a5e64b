-- What the queue has to be told: at most one row per import, the newest wish. Written in the transaction of the
-- change itself, deleted once the queue has acknowledged exactly this generation.
--
-- No foreign key: the deletion of an import has to be told, too. Lock: new table, none. Roll back: DROP TABLE
-- schedule_outbox; the queue then misses what was in it.

CREATE TABLE schedule_outbox (
    import_id          text COLLATE "C" PRIMARY KEY,
    generation         bigint      NOT NULL,
    -- Wanted state of the schedule.
    state              text        NOT NULL,
    -- Reset the queue's counters and make the job due now. Stays set until it is told, whatever is changed meanwhile.
    resume             boolean     NOT NULL,
    update_interval_ms bigint      NOT NULL,
    rcs_type           text        NOT NULL,
    source_host        text        NOT NULL,
    -- Bounds within which the interval follows the source; NULL: it is fixed.
    shortest_interval_ms bigint,
    longest_interval_ms  bigint,
    -- In whose line the job waits; empty for nobody's.
    owner              text        NOT NULL,
    -- When the oldest wish that is not told yet was written; how far the queue is behind.
    waiting_since      timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT schedule_outbox_state_is_known CHECK (state IN ('active', 'suspended', 'deleted')),
    CONSTRAINT schedule_outbox_resumes_what_runs CHECK (NOT resume OR state = 'active'),
    CONSTRAINT schedule_outbox_interval_is_positive CHECK (update_interval_ms > 0)
);

-- For registry.next_outbox_rows, in the order of the changes.
CREATE INDEX schedule_outbox_in_order ON schedule_outbox (generation);
