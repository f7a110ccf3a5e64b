-- What the last complete scan found in the target of each import: refs and revisions. A cache of the target, in that
-- it can be made again by a scan. Why it is built this way: docs/decisions/0006.
--
-- Lock: new tables, none. Roll back: DROP TABLE dropped_history, history_author, revision, author, ref_change, swap,
-- ref, scan; DROP SEQUENCE history_id.

-- A history is one numbering of an import's commits, 1, 2, 3, …, in the order in which scans told them: oldest first.
-- A rescan begins another one, so that readers see the former until it is complete.
CREATE SEQUENCE history_id AS bigint;

-- One row per import that was ever scanned.
CREATE TABLE scan (
    import_id         text COLLATE "C" PRIMARY KEY REFERENCES import (import_id) ON DELETE CASCADE,
    -- The history that is shown; NULL before the first swap.
    history_id        bigint,
    -- The highest commit number of the last swap: what is above was told since, and is not shown.
    last_no           bigint  NOT NULL DEFAULT 0,
    -- Numbers of the commits that some ref leads to, as registry/src/reach writes them.
    shown             bytea   NOT NULL DEFAULT '',
    -- Full name of the default branch; empty if the source names none.
    default_branch    text    NOT NULL DEFAULT '',
    -- SHA-256 over refs and default branch, as the worker computed it; empty before the first swap.
    refs_digest       bytea   NOT NULL DEFAULT '',
    rescan_wanted     boolean NOT NULL DEFAULT false,

    -- Who tells revisions now, or did so last without a swap: fencing token, the history they go into, and the number
    -- of the first of them; and whether all of history is told.
    writer_token      bigint,
    writer_history_id bigint,
    writer_base_no    bigint  NOT NULL DEFAULT 1,
    writer_anew       boolean NOT NULL DEFAULT false,

    -- Totals of what is shown. Committer dates in seconds since 1970; NULL if there is no commit.
    commit_count      bigint  NOT NULL DEFAULT 0,
    author_count      bigint  NOT NULL DEFAULT 0,
    first_time_s      bigint,
    last_time_s       bigint,
    target_bytes      bigint  NOT NULL DEFAULT 0,
    last_swap_number  bigint  NOT NULL DEFAULT 0,

    CONSTRAINT scan_refs_digest_is_sha256 CHECK (octet_length(refs_digest) IN (0, 32))
);

-- Refs change all at once, in one transaction.
CREATE TABLE ref (
    import_id text COLLATE "C" NOT NULL REFERENCES import (import_id) ON DELETE CASCADE,
    -- Full name; bytes that are not UTF-8 are shown as %xx.
    name      text COLLATE "C" NOT NULL,
    object_id bytea NOT NULL,
    -- The commit it leads to through tags; NULL if it leads to none.
    commit_id bytea,
    -- Numbers of the commits that it leads to, as scan.shown.
    reach     bytea NOT NULL DEFAULT '',

    PRIMARY KEY (import_id, name),
    CONSTRAINT ref_object_id_is_sha1 CHECK (octet_length(object_id) = 20),
    CONSTRAINT ref_commit_id_is_sha1 CHECK (octet_length(commit_id) = 20)
);

-- What each run changed: one row per swap that changed a ref. Numbered within the import while its scan row is locked, so
-- that numbers are seen in their order.
CREATE TABLE swap (
    import_id    text COLLATE "C" NOT NULL REFERENCES import (import_id) ON DELETE CASCADE,
    swap_number  bigint      NOT NULL,
    run_id       bigint      NOT NULL,
    swapped_at   timestamptz NOT NULL DEFAULT now(),
    -- The commits that it brought: numbers of its history.
    history_id   bigint      NOT NULL,
    first_no     bigint      NOT NULL,
    last_no      bigint      NOT NULL,
    commit_count bigint      NOT NULL,
    change_count bigint      NOT NULL,

    PRIMARY KEY (import_id, swap_number)
);

CREATE INDEX swap_of_run ON swap (import_id, run_id);
-- For registry.prune_swaps.
CREATE INDEX swap_by_age ON swap (swapped_at);

CREATE TABLE ref_change (
    import_id     text COLLATE "C" NOT NULL,
    swap_number   bigint NOT NULL,
    name          text COLLATE "C" NOT NULL,
    -- Before and after; NULL: not there.
    old_object_id bytea,
    old_commit_id bytea,
    new_object_id bytea,
    new_commit_id bytea,

    PRIMARY KEY (import_id, swap_number, name),
    CONSTRAINT ref_change_of_swap
        FOREIGN KEY (import_id, swap_number) REFERENCES swap (import_id, swap_number) ON DELETE CASCADE
);

-- Authors and committers of all imports, by name and address as they were written. Never deleted, so that their ids may be
-- remembered.
CREATE TABLE author (
    author_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- SHA-256 of name, NUL, address: an index cannot hold names of any length.
    digest    bytea NOT NULL,
    name      text  NOT NULL,
    email     text  NOT NULL,
    -- Who this is, where it has been found out; NULL: not linked.
    person    text,

    CONSTRAINT author_digest_key UNIQUE (digest),
    CONSTRAINT author_digest_is_sha256 CHECK (octet_length(digest) = 32)
);

-- Commits. Written by COPY, so no foreign keys: who writes holds the import's row, and what is no longer wanted is named
-- in dropped_history. Columns in an order that needs no padding.
CREATE TABLE revision (
    history_id               bigint  NOT NULL,
    commit_no                bigint  NOT NULL,
    -- Seconds since 1970, as Git has them: some commits are dated beyond what timestamptz can hold.
    author_time_s            bigint  NOT NULL,
    committer_time_s         bigint  NOT NULL,
    author_id                bigint  NOT NULL,
    committer_id             bigint  NOT NULL,
    author_offset_minutes    integer NOT NULL,
    committer_offset_minutes integer NOT NULL,
    commit_id                bytea   NOT NULL,
    -- 20 bytes each, in their order.
    parent_ids               bytea   NOT NULL,
    -- As stored, with its line ends.
    message                  text COMPRESSION lz4 NOT NULL,

    CONSTRAINT revision_pkey PRIMARY KEY (history_id, commit_no),
    CONSTRAINT revision_commit_id_key UNIQUE (history_id, commit_id),
    CONSTRAINT revision_commit_id_is_sha1 CHECK (octet_length(commit_id) = 20),
    CONSTRAINT revision_parent_ids_are_sha1 CHECK (octet_length(parent_ids) % 20 = 0)
);

-- Authors of each history, to be counted.
CREATE TABLE history_author (
    history_id bigint NOT NULL,
    author_id  bigint NOT NULL,

    PRIMARY KEY (history_id, author_id)
);

-- Histories that nobody will read again: deleted by and by, outside of the transactions that people wait for.
CREATE TABLE dropped_history (
    history_id bigint      PRIMARY KEY,
    dropped_at timestamptz NOT NULL DEFAULT now()
);
