-- Addresses that are told what happens to imports, and what became of each delivery.
--
-- A webhook follows the audit trail by its own cursor; a delivery is a row from the moment it is tried first, so that a
-- receiver that is away for a day costs one row and not a thousand. Lock: new tables, none. Roll back: DROP TABLE
-- webhook_delivery, webhook.

CREATE TABLE webhook (
    webhook_id  text COLLATE "C" PRIMARY KEY,
    url         text        NOT NULL,
    -- For people.
    description text        NOT NULL,
    -- Who may change it: a person or a team.
    owner       text        NOT NULL,
    -- Which events are told, as registry/src/event_filter.rs writes it.
    filter      jsonb       NOT NULL,
    is_paused   boolean     NOT NULL,
    -- The last entry of the trail that was looked at for it.
    cursor      bigint      NOT NULL,
    -- Rises with each change, also of the secret.
    version     integer     NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT now(),

    CONSTRAINT webhook_id_is_plain CHECK (webhook_id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$')
);

CREATE TABLE webhook_delivery (
    -- In the order in which they are sent.
    delivery_id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id      text COLLATE "C" NOT NULL REFERENCES webhook (webhook_id) ON DELETE CASCADE,
    event_id        bigint      NOT NULL,
    -- As it is sent, each time: the event may be pruned by then.
    body            text        NOT NULL,
    -- waiting: to be tried (again); delivered; given_up.
    state           text        NOT NULL DEFAULT 'waiting',
    created_at      timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    attempt_count   integer     NOT NULL DEFAULT 0,
    -- The last attempt: when, the status of the answer (NULL: there was none), how long it took, its first bytes, and what
    -- went wrong instead.
    attempted_at    timestamptz,
    http_status     integer,
    latency_ms      bigint,
    answer          text        NOT NULL DEFAULT '',
    error           text        NOT NULL DEFAULT '',

    CONSTRAINT webhook_delivery_state_is_known CHECK (state IN ('waiting', 'delivered', 'given_up'))
);

-- For registry.due_webhooks: the first one that waits.
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (webhook_id, delivery_id) WHERE state = 'waiting';
-- For registry.list_deliveries, and for the foreign key.
CREATE INDEX webhook_delivery_of_webhook ON webhook_delivery (webhook_id, delivery_id DESC);
-- For registry.prune_deliveries.
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (created_at) WHERE state <> 'waiting';
