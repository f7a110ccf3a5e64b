-- Why a waiting job is due when it is, for people.
-- Locks: ACCESS EXCLUSIVE on `waiting` for a moment; the default is a constant, so no row is written. Rows that a former
-- version inserts meanwhile get it, too. Roll back by dropping the column.

ALTER TABLE waiting
    ADD COLUMN due_reason text NOT NULL DEFAULT 'interval'
        CONSTRAINT waiting_due_reason_is_known CHECK (due_reason IN (
            'new', 'interval', 'backoff', 'partial', 'host_trouble', 'reclaimed', 'released', 'requested', 'resumed'));
