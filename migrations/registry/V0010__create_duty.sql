-- Work that one replica of the registry does at a time. Who holds a duty says so again every second; who falls silent loses
-- it to another replica within seconds. Everything that is done under a duty may be done twice all the same: a replica that
-- was held up does not know yet that it has lost it.
--
-- Lock: new table, none. Roll back: DROP TABLE duty; the previous binary works side by side.

CREATE TABLE duty (
    name       text PRIMARY KEY,
    -- The process that has it.
    holder     uuid        NOT NULL,
    -- From then on anybody may take it.
    expires_at timestamptz NOT NULL
);
