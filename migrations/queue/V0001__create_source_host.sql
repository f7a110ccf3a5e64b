-- Source hosts, their turns, and the lines in which their jobs wait.
--
-- A job waits in a line; a line belongs to a source host; a host has a turn. Whoever changes a host's turns or lines, or
-- takes a job out of a line, holds the lock of the host's row; whoever changes a job that runs holds the lock of its
-- lease, taken before any host. Several locks of a kind are taken in the order of their numbers.
--
-- Instants are NULL for "never".
--
-- No CHECK where rows are written in every cycle: the server parses each one anew with every statement that writes the
-- table, which was a third of what writing one of these rows cost. What stands there comes from the service's own types, and
-- whoever reads refuses what is none of them.
--
-- What changes all the time is analyzed seldom: its statistics decide nothing, as statements find their rows by keys, and
-- whenever they change, every connection plans its statements anew.
-- Locks: none that anybody waits for (new tables only). Roll back by dropping the tables.

CREATE TABLE source_host (
    host_id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- As the registry spells it; empty for sources without a host.
    name                text        NOT NULL UNIQUE,

    -- Leases of jobs of this host, counted.
    running_count       integer     NOT NULL DEFAULT 0,
    -- No job of this host starts earlier: pauses between starts, Retry-After, an open breaker.
    open_at             timestamptz,

    -- Circuit breaker: closed, open, or half_open: one run is under way to see whether the host is well again.
    breaker             text        NOT NULL DEFAULT 'closed',
    -- Runs in a row that found the host in trouble.
    trouble_count       integer     NOT NULL DEFAULT 0,
    -- How often in a row the breaker has opened; its delay doubles with each.
    opened_count        integer     NOT NULL DEFAULT 0,

    -- Set by operators; NULL: as configured.
    max_running         integer,
    starts_per_minute   integer,
    limits_set_at       timestamptz,
    limits_set_by       text,
    limits_reason       text
)
-- Counters change in place: no index but the key and the name, which never change.
WITH (fillfactor = 50, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000,
      autovacuum_analyze_scale_factor = 1);

-- When a host may be served, and who goes first: one row for each RCS type and class of jobs that it has.
CREATE TABLE host_turn (
    host_id             bigint      NOT NULL REFERENCES source_host,
    rcs_type            text        NOT NULL,
    -- Jobs that a person asked for, or jobs that are due by schedule.
    requested           boolean     NOT NULL,
    -- Nothing waits here that has its turn earlier (a lower bound, corrected by whoever looks); NULL: nothing waits.
    first_line_at       timestamptz,
    -- NULL while the host may start nothing or nothing waits; in the future while nothing is due or the host has a
    -- pause; else since when it waits to be served.
    turn_at             timestamptz,
    PRIMARY KEY (host_id, rcs_type, requested)
)
WITH (fillfactor = 50, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000,
      autovacuum_analyze_scale_factor = 1);

-- Serves queue.lock_ripe_hosts and queue.next_turns: those who may be served, longest wait first.
CREATE INDEX host_turn_order ON host_turn (rcs_type, requested, turn_at, host_id) WHERE turn_at IS NOT NULL;

-- Jobs of one owner at one host. Owners take turns inside a host as hosts do among each other.
CREATE TABLE line (
    line_id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id             bigint      NOT NULL,
    rcs_type            text        NOT NULL,
    requested           boolean     NOT NULL,
    owner               text        NOT NULL,
    -- No job of this line is due earlier (a lower bound, as above); NULL: it is empty.
    head_due_at         timestamptz,
    -- In the future while nothing is due; else since when it waits to be served. NULL with the head.
    turn_at             timestamptz,
    UNIQUE (host_id, rcs_type, requested, owner),
    FOREIGN KEY (host_id, rcs_type, requested) REFERENCES host_turn
)
-- The head changes in place: no index has it.
WITH (fillfactor = 50, autovacuum_vacuum_threshold = 2000, autovacuum_analyze_threshold = 10000,
      autovacuum_analyze_scale_factor = 1);

-- Serves queue.ripe_lines.
CREATE INDEX line_order ON line (host_id, rcs_type, requested, turn_at, line_id) WHERE turn_at IS NOT NULL;
