-- The thread between those who want an import and those who review it. Rows are only ever added; they go with their
-- import.
--
-- Lock: new table, none. Roll back: DROP TABLE import_note.

CREATE TABLE import_note (
    note_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    import_id  text COLLATE "C" NOT NULL REFERENCES import (import_id) ON DELETE CASCADE,
    -- Who wrote it, by their own claim.
    author     text        NOT NULL,
    written_at timestamptz NOT NULL DEFAULT now(),
    text       text        NOT NULL,

    CONSTRAINT import_note_is_short CHECK (char_length(text) BETWEEN 1 AND 4000)
);

-- For registry.list_notes, and for the foreign key.
CREATE INDEX import_note_of_import ON import_note (import_id, note_id);
