-- Finished runs in the one order in which the registry hears of them.
--
-- An event is appended without a number by the transaction that closes its run. Numbers are given out later, by one
-- writer at a time, and only to events that are committed: so whoever has read number n can never have missed a lower
-- one. (A number drawn at insertion would not do: a transaction with a lower number may commit later.)
--
-- Locks: none that anybody waits for (new tables only). Roll back by dropping the tables.

CREATE TABLE run_event (
    -- Order of insertion. Not shown to anybody.
    event_id        bigint  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Position in the stream: dense, from 1; none until it is numbered.
    sequence        bigint  UNIQUE CHECK (sequence > 0),
    run_id          bigint  NOT NULL UNIQUE REFERENCES run,
    -- What the run's end meant for the schedule, as it was then.
    stop_reason     text    CHECK (stop_reason IN ('failure_limit', 'permanent_failure', 'crash_loop')),
    generation      bigint  NOT NULL,
    failure_count   integer NOT NULL CHECK (failure_count >= 0)
);

-- Serves queue.number_run_events: mostly empty.
CREATE INDEX run_event_unnumbered ON run_event (event_id) WHERE sequence IS NULL;

-- The last number given out. One row, which the numbering locks.
CREATE TABLE run_event_counter (
    only_row        boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    last_sequence   bigint  NOT NULL CHECK (last_sequence >= 0)
);

INSERT INTO run_event_counter (last_sequence) VALUES (0);
