-- Workers, as they said what they are, and as operators want them. Leasing does not read this table: each replica keeps
-- in memory who is drained, and writes whom it has heard of every few seconds.
-- Locks: none that anybody waits for (a new table only). Roll back by dropping it.

CREATE TABLE worker (
    worker_id           text        PRIMARY KEY CHECK (length(worker_id) BETWEEN 1 AND 200),
    version             text        NOT NULL CHECK (length(version) <= 200),
    -- NULL: it leases without ever having registered.
    slot_count          integer     CHECK (slot_count > 0),
    registered_at       timestamptz,
    -- What it can import, and with which tools: one entry each.
    rcs_types           text[]      NOT NULL,
    tools               text[]      NOT NULL,

    -- To within a few seconds.
    seen_at             timestamptz NOT NULL,
    -- Since when it is gone; NULL while it is heard of.
    gone_at             timestamptz,

    -- What operators want of it, and who said so last.
    drained             boolean     NOT NULL DEFAULT false,
    state_set_at        timestamptz,
    state_set_by        text        CHECK (length(state_set_by) <= 200),
    state_reason        text        CHECK (length(state_reason) <= 1000),

    CONSTRAINT tools_for_each_type CHECK (cardinality(rcs_types) = cardinality(tools)),
    CONSTRAINT registered_with_slots CHECK ((slot_count IS NULL) = (registered_at IS NULL)),
    CONSTRAINT state_says_who CHECK ((state_set_at IS NULL) = (state_set_by IS NULL)
                                     AND (state_set_at IS NULL) = (state_reason IS NULL))
)
WITH (fillfactor = 50);
