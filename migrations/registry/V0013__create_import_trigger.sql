-- Imports whose source may say that something was pushed. The secret that proves it is in registry.secret.
--
-- Lock: new table; SHARE ROW EXCLUSIVE on import for a moment, for the foreign key. Roll back: DROP TABLE import_trigger.

CREATE TABLE import_trigger (
    import_id  text COLLATE "C" PRIMARY KEY REFERENCES import (import_id) ON DELETE CASCADE,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- The last push that was proven.
    pushed_at  timestamptz,
    -- When the queue is to be told of it; NULL: it has been told.
    due_at     timestamptz,
    -- When it was told last: the cool-down counts from here.
    told_at    timestamptz
);

-- For registry.due_triggers.
CREATE INDEX import_trigger_due ON import_trigger (due_at) WHERE due_at IS NOT NULL;
