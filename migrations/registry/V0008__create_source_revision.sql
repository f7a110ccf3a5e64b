-- Which source revision each commit shows: the map, asked in both directions. A part of the scan, and so a cache of what
-- the target tells. Git imports have no rows: there the commit is the source revision.
--
-- Lock: new table; SHARE ROW EXCLUSIVE on revision for a moment, for the foreign key. Safe while the previous
-- binary runs: what it stores has no map until it is scanned anew. Roll back: DROP TABLE source_revision.

CREATE TABLE source_revision (
    history_id  bigint NOT NULL,
    -- In the source's own words.
    revision    text COLLATE "C" NOT NULL,
    -- Path of the branch in the source; empty for the root.
    branch_path text COLLATE "C" NOT NULL,
    commit_id   bytea NOT NULL,

    -- With the commit: where history was made anew, the old commit is shown until the refs are swapped.
    PRIMARY KEY (history_id, revision, branch_path, commit_id),
    -- It goes with its commit.
    CONSTRAINT source_revision_of_commit
        FOREIGN KEY (history_id, commit_id) REFERENCES revision (history_id, commit_id) ON DELETE CASCADE
);

-- For registry.source_revisions_of_commit, and for the foreign key.
CREATE INDEX source_revision_of_commit ON source_revision (history_id, commit_id);
