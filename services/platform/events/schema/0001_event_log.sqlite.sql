-- One row: which log this is, and how far it has been trimmed (the number of the last event that was removed).
CREATE TABLE event_log (
  one          INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  log          TEXT    NOT NULL,
  floor_number INTEGER NOT NULL
) STRICT;

INSERT INTO event_log
VALUES (1, lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), 0);

-- The one writer numbers events in the order in which they are committed; AUTOINCREMENT never uses a number twice.
CREATE TABLE events (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  type   TEXT    NOT NULL,
  time   INTEGER NOT NULL,        -- when it happened, microseconds since 1970 UTC
  event  BLOB    NOT NULL         -- a serialized helhed.events.v1.Event without its cursor
) STRICT;
