-- The audit trail: what was changed, by whom and when, and how runs ended. Outlives its import, so no foreign key.
--
-- Rows are only ever added, and deleted by registry.prune_events once they are old. Lock: new table, none. Roll back: DROP TABLE import_event.

CREATE TABLE import_event (
    -- Position in the trail of all imports.
    event_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id   text COLLATE "C" NOT NULL,
    type        text        NOT NULL,
    -- Who did it, by their own claim; "system" for the services themselves.
    actor       text        NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    -- Why, for people.
    reason      text        NOT NULL,
    -- [{"path": "source.url", "before": "…", "after": "…"}]: shown as it is, never searched.
    changes     jsonb       NOT NULL,

    CONSTRAINT import_event_type_is_known
        CHECK (type IN ('created', 'updated', 'reviewed', 'retried', 'deleted', 'run_finished')),
    CONSTRAINT import_event_actor_is_short CHECK (char_length(actor) BETWEEN 1 AND 200)
);

-- For registry.list_events of one import, newest first.
CREATE INDEX import_event_of_import ON import_event (import_id, event_id DESC);
