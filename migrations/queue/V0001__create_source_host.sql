-- Source hosts, and the lines in which their jobs wait.
--
-- Which host has its turn, and which line of it, is not written anywhere: each replica keeps that in mind, for the jobs
-- that are due (`board`). What has to hold whoever else leases is here: how much a host may be used, and how it does.
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

-- How many of its jobs run is counted where they are, in `lease`: what is not stored cannot be wrong.
CREATE TABLE source_host (
    host_id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- As the registry spells it; empty for sources without a host.
    name                text        NOT NULL UNIQUE,

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
);

-- Serves queue.watched_hosts: those that differ from what a host is at first, few of many.
CREATE INDEX source_host_watched ON source_host (host_id)
    WHERE breaker <> 'closed' OR trouble_count > 0 OR open_at IS NOT NULL
       OR max_running IS NOT NULL OR starts_per_minute IS NOT NULL;

-- Jobs of one owner at one host. A name for where a job waits: rows are made once, and never change.
CREATE TABLE line (
    line_id             bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    host_id             bigint      NOT NULL REFERENCES source_host,
    rcs_type            text        NOT NULL,
    -- Jobs that a person asked for, or jobs that are due by schedule.
    requested           boolean     NOT NULL,
    owner               text        NOT NULL,
    UNIQUE (host_id, rcs_type, requested, owner)
);
