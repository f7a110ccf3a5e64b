-- Which lease holders are refused. Raised in the transaction of every write by a holder; never lowered.
--
-- Outlives its import, so no foreign key: should an import of the same id be defined again, a worker that still runs
-- for the old one must not write into the new one. Lock: new table, none. Roll back: DROP TABLE fence; a reclaimed
-- holder could then write until the next one comes.

CREATE TABLE fence (
    import_id             text COLLATE "C" PRIMARY KEY,
    -- Holders with a lower token are refused.
    highest_fencing_token bigint NOT NULL,

    CONSTRAINT fence_is_not_negative CHECK (highest_fencing_token >= 0)
);
