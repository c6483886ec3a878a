-- Who came, and by what plans measure themselves.

-- What stands. presence: 1 present, 2 absent, 3 excused.
CREATE TABLE attendances (
  plan          TEXT   NOT NULL,
  activity      TEXT   NOT NULL,
  session       TEXT   NOT NULL,
  attendance    TEXT   NOT NULL CHECK (length(attendance) BETWEEN 1 AND 63),
  presence      BIGINT NOT NULL CHECK (presence BETWEEN 1 AND 3),
  head_count    BIGINT NOT NULL CHECK (head_count BETWEEN 0 AND 10000),
  observe_time  BIGINT NOT NULL,
  entry         TEXT   NOT NULL,
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, session, attendance),
  FOREIGN KEY (plan, activity, session) REFERENCES sessions
);

-- Everything that was said; rows are only added.
CREATE TABLE attendance_entries (
  plan          TEXT   NOT NULL,
  activity      TEXT   NOT NULL,
  session       TEXT   NOT NULL,
  attendance    TEXT   NOT NULL,
  entry         TEXT   NOT NULL CHECK (length(entry) = 36),
  presence      BIGINT NOT NULL CHECK (presence BETWEEN 1 AND 3),
  head_count    BIGINT NOT NULL CHECK (head_count BETWEEN 0 AND 10000),
  observe_time  BIGINT NOT NULL,
  recorder      TEXT   NOT NULL,
  note          TEXT   NOT NULL,
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, session, attendance, entry),
  FOREIGN KEY (plan, activity, session) REFERENCES sessions
);
CREATE UNIQUE INDEX attendance_entries_once ON attendance_entries (plan, activity, session, entry);

-- What indicators count, kept current with every registration and every mark: no report reads those one by one.
CREATE TABLE activity_tallies (
  plan       TEXT   NOT NULL,
  activity   TEXT   NOT NULL,
  confirmed  BIGINT NOT NULL CHECK (confirmed >= 0),
  attended   BIGINT NOT NULL CHECK (attended >= 0),
  PRIMARY KEY (plan, activity),
  FOREIGN KEY (plan, activity) REFERENCES activities
);

-- kind: 1 measured, 2 confirmed registrations, 3 attendances. The value of what is counted does not stand here.
CREATE TABLE indicators (
  plan           TEXT   NOT NULL,
  indicator      TEXT   NOT NULL CHECK (length(indicator) BETWEEN 1 AND 63),
  display_name   TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  sub_goal       TEXT   NOT NULL,
  focus_area     TEXT   NOT NULL,
  kind           BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 3),
  unit           TEXT   NOT NULL,
  baseline       BIGINT NOT NULL,
  target         BIGINT NOT NULL,
  current_value  BIGINT NOT NULL,
  measure_date   TEXT   CHECK (length(measure_date) = 10),
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (plan, indicator),
  FOREIGN KEY (plan, sub_goal) REFERENCES sub_goals
);

-- Rows are only added.
CREATE TABLE measurements (
  plan         TEXT   NOT NULL,
  indicator    TEXT   NOT NULL,
  measurement  TEXT   NOT NULL CHECK (length(measurement) BETWEEN 1 AND 63),
  date         TEXT   NOT NULL CHECK (length(date) = 10),
  value        BIGINT NOT NULL,
  source       TEXT   NOT NULL,
  revision     BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (plan, indicator, measurement),
  FOREIGN KEY (plan, indicator) REFERENCES indicators
);
CREATE INDEX measurements_by_date ON measurements (plan, indicator, date, measurement);

CREATE TABLE focus_area_statuses (
  plan               TEXT   NOT NULL,
  focus_area_status  TEXT   NOT NULL CHECK (length(focus_area_status) BETWEEN 6 AND 63),
  year               BIGINT NOT NULL CHECK (year BETWEEN 1900 AND 9999),
  focus_area         TEXT   NOT NULL,
  assessment         BIGINT NOT NULL CHECK (assessment BETWEEN 1 AND 4),
  summary            TEXT   NOT NULL,
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (plan, focus_area_status)
);
CREATE INDEX focus_area_statuses_by_year ON focus_area_statuses (plan, year, focus_area_status);
