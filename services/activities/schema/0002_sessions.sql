-- Where and when activities take place.

CREATE TABLE rooms (
  plan          TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  room          TEXT   NOT NULL CHECK (length(room) BETWEEN 1 AND 63),
  display_name  TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  place         TEXT   NOT NULL,
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, room)
);

CREATE TABLE series (
  plan              TEXT   NOT NULL,
  activity          TEXT   NOT NULL,
  series            TEXT   NOT NULL CHECK (length(series) BETWEEN 1 AND 40),
  recurrence_rule   TEXT   NOT NULL,
  local_start       TEXT   NOT NULL CHECK (length(local_start) = 16),
  duration_minutes  BIGINT NOT NULL CHECK (duration_minutes BETWEEN 5 AND 1440),
  room              TEXT,
  responsible       TEXT   NOT NULL,
  session_count     BIGINT NOT NULL CHECK (session_count > 0),
  revision          BIGINT NOT NULL,
  create_time       BIGINT NOT NULL,
  update_time       BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, series),
  FOREIGN KEY (plan, activity) REFERENCES activities
);

CREATE TABLE series_exceptions (
  plan            TEXT NOT NULL,
  activity        TEXT NOT NULL,
  series          TEXT NOT NULL,
  exception_date  TEXT NOT NULL CHECK (length(exception_date) = 10),
  PRIMARY KEY (plan, activity, series, exception_date),
  FOREIGN KEY (plan, activity, series) REFERENCES series
);

-- state: 1 scheduled, 2 cancelled. No session is longer than a day: what may overlap a time starts within the day before it.
CREATE TABLE sessions (
  plan               TEXT   NOT NULL,
  activity           TEXT   NOT NULL,
  session            TEXT   NOT NULL CHECK (length(session) BETWEEN 1 AND 63),
  local_start        TEXT   NOT NULL CHECK (length(local_start) = 16),
  duration_minutes   BIGINT NOT NULL CHECK (duration_minutes BETWEEN 5 AND 1440),
  start_time         BIGINT NOT NULL,
  end_time           BIGINT NOT NULL CHECK (end_time > start_time),
  room               TEXT,
  responsible        TEXT   NOT NULL,
  state              BIGINT NOT NULL CHECK (state BETWEEN 1 AND 2),
  series             TEXT,
  former_start_time  BIGINT,
  cancel_reason      TEXT   NOT NULL,
  sequence           BIGINT NOT NULL,
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, session),
  FOREIGN KEY (plan, activity) REFERENCES activities,
  FOREIGN KEY (plan, activity, series) REFERENCES series,
  FOREIGN KEY (plan, room) REFERENCES rooms
);
CREATE INDEX sessions_by_start ON sessions (plan, activity, start_time, session);
CREATE INDEX sessions_by_series ON sessions (plan, activity, series, start_time);
CREATE INDEX sessions_by_room ON sessions (plan, room, start_time) WHERE state = 1 AND room IS NOT NULL;
