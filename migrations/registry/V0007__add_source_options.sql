-- How a source is read: what people may choose for the types that leave something to choose.
--
-- All with a default that means "as before", so the previous binary, which does not name these columns, goes on
-- writing rows; for its sake there is no CHECK that ties them to the type, either. Lock: ACCESS EXCLUSIVE on import for
-- a moment; constant defaults rewrite no row. Roll back: DROP the columns; imports that used them end with INVALID then.

ALTER TABLE import
    -- Which paths are branches and tags, as it was written; empty: found out by the first run.
    ADD COLUMN svn_layout              text    NOT NULL DEFAULT '',
    ADD COLUMN svn_git_svn_id_trailers boolean NOT NULL DEFAULT false,
    ADD COLUMN svn_convert_ignores     boolean NOT NULL DEFAULT false,
    ADD COLUMN svn_keep_externals      boolean NOT NULL DEFAULT false,
    ADD COLUMN svn_normalize_line_ends boolean NOT NULL DEFAULT false,
    -- Identities of accounts: the text as it was given, comments too. Large, so lists leave it out.
    ADD COLUMN author_map              text    NOT NULL DEFAULT '';
