-- Definitions of code imports: the intent. One row per import, gone when it is deleted.
--
-- Lock: new table, none. Roll back: DROP TABLE import; DROP SEQUENCE generation.

-- One sequence over all imports. A number is taken while the import's row is locked, so that for one import the
-- numbers rise in the order of the commits. That is what lets the queue tell newer from older.
CREATE SEQUENCE generation AS bigint;

CREATE TABLE import (
    import_id           text COLLATE "C" NOT NULL,
    -- For people; empty means the id.
    display_name        text        NOT NULL,
    rcs_type            text        NOT NULL,
    -- As it was checked when it came in; never with user name or password.
    source_url          text        NOT NULL,
    -- Host part of source_url, for the queue's limits per host.
    source_host         text        NOT NULL,
    -- Canonical form of type and source_url: equal for all addresses of one repository.
    source_key          text COLLATE "C" NOT NULL,
    -- Another import reads the same source, and that was wanted.
    is_duplicate        boolean     NOT NULL,
    -- How a source of Subversion is read. The layout as it was written; empty: found out by the first run.
    svn_layout              text    NOT NULL,
    svn_git_svn_id_trailers boolean NOT NULL,
    svn_convert_ignores     boolean NOT NULL,
    svn_keep_externals      boolean NOT NULL,
    svn_normalize_line_ends boolean NOT NULL,
    -- How a source of CVS is read; the module is part of source_url. The charset as it was written; empty: the default.
    cvs_raw_keywords        boolean NOT NULL,
    cvs_charset             text    NOT NULL,
    -- How a source of Mercurial or Bazaar is read, and whether it is followed where its history was rewritten.
    hg_keep_subrepos        boolean NOT NULL,
    hg_freeze_rewritten     boolean NOT NULL,
    bzr_trailers            boolean NOT NULL,
    bzr_freeze_rewritten    boolean NOT NULL,
    -- Identities of accounts: the text as it was given, comments too. Large, so lists leave it out.
    author_map          text        NOT NULL,
    -- What the source is read with; NULL for nothing.
    credential_id       text COLLATE "C",
    target_url          text        NOT NULL,
    -- Patterns on full ref names; none means the default ones.
    include_patterns    text[]      NOT NULL,
    exclude_patterns    text[]      NOT NULL,
    -- From start to start; NULL means the default of the RCS type.
    update_interval_ms  bigint,
    -- Bounds within which the interval follows the source; NULL: it is fixed.
    shortest_interval_ms bigint,
    longest_interval_ms  bigint,

    -- Who looks after it: a person or a team. Empty for none.
    owner               text        NOT NULL,
    -- The operator in charge of it; empty for none.
    assignee            text        NOT NULL,
    -- {"key": "value"}: whatever people sort by.
    labels              jsonb       NOT NULL,

    review_status       text        NOT NULL,
    -- Why it has this status, for people.
    review_reason       text        NOT NULL,
    -- Number of the last change of definition or status. The etag is made of it.
    generation          bigint      NOT NULL,
    -- Number of its creation. What the queue reports of the time before is about another import that had this id.
    created_generation  bigint      NOT NULL,
    -- Number of the last change that started the schedule afresh. What the queue reports of the time before is no
    -- reason to stop it again.
    resumed_generation  bigint      NOT NULL,
    -- The queue has given up by itself since then: only a resume starts the schedule again.
    stopped_by_queue    boolean     NOT NULL DEFAULT false,

    registrant          text        NOT NULL,
    -- The request that made it, where it can be repeated.
    create_request_id   uuid,
    created_at          timestamptz NOT NULL DEFAULT now(),
    updated_at          timestamptz NOT NULL DEFAULT now(),
    -- Since when it has its review status.
    reviewed_at         timestamptz NOT NULL DEFAULT now(),

    -- The last finished run, as the queue told it; 0 and NULL if there was none.
    last_run_id         bigint      NOT NULL DEFAULT 0,
    last_outcome        text,
    last_message        text        NOT NULL DEFAULT '',
    -- End of the last run after which source and target were in step.
    last_success_at     timestamptz,
    -- Counted failures in a row.
    consecutive_failure_count integer NOT NULL DEFAULT 0,
    -- End of the first of them; NULL if there are none.
    failing_since       timestamptz,

    CONSTRAINT import_pkey PRIMARY KEY (import_id),
    CONSTRAINT import_create_request_id_key UNIQUE (create_request_id),
    -- Two imports that write to one repository would undo each other's work for ever.
    CONSTRAINT import_target_url_key UNIQUE (target_url),
    CONSTRAINT import_id_is_plain CHECK (import_id ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),
    CONSTRAINT import_rcs_type_is_known CHECK (rcs_type IN ('git', 'svn', 'cvs', 'hg', 'bzr')),
    CONSTRAINT import_review_status_is_known
        CHECK (review_status IN ('new', 'reviewed', 'suspended', 'invalid', 'failing')),
    CONSTRAINT import_interval_is_positive CHECK (update_interval_ms > 0),
    CONSTRAINT import_bounds_are_in_order CHECK (0 < shortest_interval_ms AND shortest_interval_ms <= longest_interval_ms),
    CONSTRAINT import_bounds_come_together CHECK ((shortest_interval_ms IS NULL) = (longest_interval_ms IS NULL)),
    CONSTRAINT import_labels_are_an_object CHECK (jsonb_typeof(labels) = 'object'),
    CONSTRAINT import_resumed_before_it_changed CHECK (created_generation <= resumed_generation AND resumed_generation <= generation),
    -- FAILING is the registry's word for what the queue has decided.
    CONSTRAINT import_failing_was_stopped CHECK (review_status <> 'failing' OR stopped_by_queue),
    CONSTRAINT import_last_run_has_outcome CHECK ((last_run_id = 0) = (last_outcome IS NULL)),
    CONSTRAINT import_failures_are_counted CHECK (consecutive_failure_count >= 0)
);

-- One import of each source, but for those that are wanted all the same.
CREATE UNIQUE INDEX import_source_key_key ON import (source_key) WHERE NOT is_duplicate;

-- For registry.list_imports in other orders than that of the ids.
CREATE INDEX import_by_creation ON import (created_at, import_id);
CREATE INDEX import_by_success ON import (coalesce(last_success_at, 'epoch'), import_id);

-- For its filters that let little through.
CREATE INDEX import_of_host ON import (source_host, import_id);
CREATE INDEX import_of_owner ON import (owner, import_id);
CREATE INDEX import_with_labels ON import USING gin (labels);
CREATE INDEX import_failing ON import (failing_since) WHERE failing_since IS NOT NULL;
CREATE INDEX import_with_credential ON import (credential_id) WHERE credential_id IS NOT NULL;
