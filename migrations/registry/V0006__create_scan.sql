-- What the last complete scan found in the target of each import: refs and revisions. A cache of the target, in that
-- it can be made again by a scan.
--
-- Lock: new tables, none. Roll back: DROP TABLE revision, ref, scan.

-- One row per import that was ever scanned completely.
CREATE TABLE scan (
    import_id      text COLLATE "C" PRIMARY KEY REFERENCES import (import_id) ON DELETE CASCADE,
    -- Full name of the default branch; empty if the source names none.
    default_branch text  NOT NULL,
    -- SHA-256 over refs and default branch, as the worker computed it.
    refs_digest    bytea NOT NULL,

    CONSTRAINT scan_refs_digest_is_sha256 CHECK (octet_length(refs_digest) = 32)
);

-- Refs change all at once, in one transaction.
CREATE TABLE ref (
    import_id text COLLATE "C" NOT NULL REFERENCES import (import_id) ON DELETE CASCADE,
    -- Full name; bytes that are not UTF-8 are shown as %xx.
    name      text COLLATE "C" NOT NULL,
    object_id bytea NOT NULL,
    -- The commit it leads to through tags; NULL if it leads to none.
    commit_id bytea,

    PRIMARY KEY (import_id, name),
    CONSTRAINT ref_object_id_is_sha1 CHECK (octet_length(object_id) = 20),
    CONSTRAINT ref_commit_id_is_sha1 CHECK (octet_length(commit_id) = 20)
);

-- Commits. Stored before the refs that lead to them; shown with those.
CREATE TABLE revision (
    import_id                text COLLATE "C" NOT NULL REFERENCES import (import_id) ON DELETE CASCADE,
    commit_id                bytea   NOT NULL,
    -- In their order.
    parent_ids               bytea[] NOT NULL,
    author_name              text    NOT NULL,
    author_email             text    NOT NULL,
    -- Seconds since 1970, as Git has them: some commits are dated beyond what timestamptz can hold.
    author_time_s            bigint  NOT NULL,
    author_offset_minutes    integer NOT NULL,
    committer_name           text    NOT NULL,
    committer_email          text    NOT NULL,
    committer_time_s         bigint  NOT NULL,
    committer_offset_minutes integer NOT NULL,
    -- As stored, with its line ends.
    message                  text    NOT NULL,
    -- Some ref leads here. Kept right by registry.swap_refs, which changes it in the transaction of the refs.
    visible                  boolean NOT NULL DEFAULT false,

    PRIMARY KEY (import_id, commit_id),
    CONSTRAINT revision_commit_id_is_sha1 CHECK (octet_length(commit_id) = 20)
);

-- For registry.list_revisions without a ref, newest committer date first.
CREATE INDEX revision_shown ON revision (import_id, committer_time_s DESC, commit_id) WHERE visible;
