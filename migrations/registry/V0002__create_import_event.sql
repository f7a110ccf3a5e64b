-- The audit trail: what was changed, by whom and when, and how runs ended. Outlives its import, so no foreign key.
--
-- Rows are only ever added, and deleted by registry.prune_events once they are old. Whoever adds some holds the event lock
-- until the commit (store/events.rs), so that they become visible in the order of event_id and a reader who follows it
-- misses none. Lock: new tables, none. Roll back: DROP TABLE import_event, import_event_horizon.

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
    -- So many changes are left out there.
    omitted_change_count bigint NOT NULL DEFAULT 0,
    -- The run that it came of; 0 for none.
    run_id      bigint      NOT NULL DEFAULT 0,
    -- Of the import then, for those who follow only some: the import may be gone when they come.
    owner       text        NOT NULL DEFAULT '',
    labels      jsonb       NOT NULL DEFAULT '{}',

    CONSTRAINT import_event_type_is_known
        CHECK (type IN ('created', 'updated', 'reviewed', 'retried', 'deleted', 'noted', 'run_finished', 'first_success',
                        'recovered', 'refs_changed')),
    CONSTRAINT import_event_actor_is_short CHECK (char_length(actor) BETWEEN 1 AND 200)
);

-- For registry.list_events of one import, newest first.
CREATE INDEX import_event_of_import ON import_event (import_id, event_id DESC);

-- What is no longer kept. One row.
CREATE TABLE import_event_horizon (
    only_row     boolean PRIMARY KEY DEFAULT true,
    -- The last entry that was deleted: who has not read up to here has missed some.
    pruned_up_to bigint  NOT NULL,

    CONSTRAINT import_event_horizon_is_single CHECK (only_row)
);

INSERT INTO import_event_horizon (pruned_up_to) VALUES (0);
