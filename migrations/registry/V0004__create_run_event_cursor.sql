-- How far the queue's run events have taken effect here. One row; changed in the transaction of the effect, so that
-- an event takes effect once however often it is told.
--
-- Lock: new table, none. Roll back: DROP TABLE run_event_cursor; all events are then told and applied again.

CREATE TABLE run_event_cursor (
    only_row boolean PRIMARY KEY DEFAULT true,
    -- Sequence number of the last event applied.
    sequence bigint  NOT NULL,

    CONSTRAINT run_event_cursor_is_single CHECK (only_row),
    CONSTRAINT run_event_cursor_is_not_negative CHECK (sequence >= 0)
);

INSERT INTO run_event_cursor (sequence) VALUES (0);
