-- One row: which log this is, and how far it has been trimmed (the position of the last event that was removed).
CREATE TABLE event_log (
  one          BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  log          TEXT   NOT NULL,
  epoch        BIGINT NOT NULL,   -- counts restores into another cluster, whose transaction ids begin anew
  floor_epoch  BIGINT NOT NULL,
  floor_xid    XID8   NOT NULL,
  floor_number BIGINT NOT NULL
);

INSERT INTO event_log VALUES (1, gen_random_uuid()::text, 1, 0, '0', 0);

-- The order is (epoch, xid, number): numbers are handed out at insert and not at commit. It stays on the coordinator.
CREATE TABLE events (
  epoch  BIGINT NOT NULL,
  xid    XID8   NOT NULL DEFAULT pg_current_xact_id(),
  number BIGINT NOT NULL GENERATED ALWAYS AS IDENTITY,
  type   TEXT   NOT NULL,
  time   BIGINT NOT NULL,         -- when it happened, microseconds since 1970 UTC
  event  BYTEA  NOT NULL,         -- a serialized helhed.events.v1.Event without its cursor
  PRIMARY KEY (epoch, xid, number)
);
