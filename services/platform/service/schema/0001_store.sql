-- What belongs to this installation and to nobody else.
CREATE TABLE installation (
  one BIGINT NOT NULL PRIMARY KEY CHECK (one = 1),
  key BYTEA  NOT NULL             -- 32 bytes: seals page tokens and cursors
);

-- The first answer to each request id, while it is kept (AIP-155).
CREATE TABLE idempotency (
  principal    TEXT   NOT NULL,
  method       TEXT   NOT NULL,
  request_id   TEXT   NOT NULL,
  request_hash BYTEA  NOT NULL,
  response     BYTEA  NOT NULL,
  expire_time  BIGINT NOT NULL,   -- microseconds since 1970 UTC
  PRIMARY KEY (principal, method, request_id)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expire_time);

-- Who changed what, by which call. Rows are only ever added.
CREATE TABLE audit (
  subject    TEXT   NOT NULL,     -- who
  id         TEXT   NOT NULL,     -- a UUIDv7, so that a subject's rows lie in the order of time
  time       BIGINT NOT NULL,     -- microseconds since 1970 UTC
  method     TEXT   NOT NULL,
  resource   TEXT   NOT NULL,
  outcome    TEXT   NOT NULL,     -- `OK`: a call that was refused changed nothing and is found in the log
  request_id TEXT   NOT NULL,
  trace_id   TEXT   NOT NULL,
  request    BYTEA  NOT NULL,     -- redacted and serialized; empty when the audit level keeps none
  PRIMARY KEY (subject, id)
);

-- How far each consumer of another service's events has come, written together with what the last event did.
CREATE TABLE consumer_cursors (
  consumer    TEXT   NOT NULL PRIMARY KEY,
  cursor      TEXT   NOT NULL,
  update_time BIGINT NOT NULL     -- microseconds since 1970 UTC
);
