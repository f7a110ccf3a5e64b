-- What was done to credentials and webhooks, and by whom. Apart from the audit trail of imports, which everybody may follow: this
-- is for those who own what it tells of. Outlives that, so no foreign key; deleted by registry.prune_owned_events.
--
-- Lock: new table, none. Safe while the previous binary runs, whose changes are not told. Roll back: DROP TABLE owned_event.

CREATE TABLE owned_event (
    event_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        text        NOT NULL,
    -- Of the credential or webhook.
    owned_id    text COLLATE "C" NOT NULL,
    -- Whose it was after the change: who may read this.
    owner       text        NOT NULL,
    type        text        NOT NULL,
    actor       text        NOT NULL,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    -- As import_event has them.
    changes     jsonb       NOT NULL,

    CONSTRAINT owned_event_kind_is_known CHECK (kind IN ('credential', 'webhook')),
    CONSTRAINT owned_event_type_is_known CHECK (type IN ('created', 'updated', 'rotated', 'deleted'))
);

-- For registry.list_owned_events.
CREATE INDEX owned_event_of_kind ON owned_event (kind, event_id DESC);
-- For registry.prune_owned_events.
CREATE INDEX owned_event_by_age ON owned_event (occurred_at);
