-- Building and renovation, and what every household has to be told of it.

CREATE TABLE construction_projects (
  plan                  TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  construction_project  TEXT   NOT NULL CHECK (length(construction_project) BETWEEN 1 AND 63),
  display_name          TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  description           TEXT   NOT NULL,
  period_start_date     TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date       TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (plan, construction_project)
);

CREATE TABLE construction_phases (
  plan                  TEXT   NOT NULL,
  construction_project  TEXT   NOT NULL,
  construction_phase    TEXT   NOT NULL CHECK (length(construction_phase) BETWEEN 1 AND 63),
  display_name          TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  description           TEXT   NOT NULL,
  period_start_date     TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date       TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (plan, construction_project, construction_phase),
  FOREIGN KEY (plan, construction_project) REFERENCES construction_projects
);

-- Few rows that belong to no plan. kind: 1 minor, 2 major, 3 urgent.
CREATE TABLE notice_periods (
  notice_period  TEXT   NOT NULL CHECK (length(notice_period) BETWEEN 1 AND 63),
  kind           BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 3),
  start_date     TEXT   NOT NULL CHECK (length(start_date) = 10),
  months         BIGINT NOT NULL CHECK (months >= 0),
  days           BIGINT NOT NULL CHECK (days >= 0),
  source         TEXT   NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (notice_period),
  UNIQUE (kind, start_date)
);

-- Domain notes, 3.5. The number of the paragraph has to be checked against the law in force before anybody relies on it.
INSERT INTO notice_periods (notice_period, kind, start_date, months, days, source, revision, create_time, update_time) VALUES
  ('minor', 1, '2000-01-01', 0, 42, 'Almenlejeloven § 33: six weeks for works that are no significant inconvenience', 1, 0, 0),
  ('major', 2, '2000-01-01', 3, 0, 'Almenlejeloven § 33: three months for all other works', 1, 0, 0),
  ('urgent', 3, '2000-01-01', 0, 0, 'Almenlejeloven § 33: no notice for urgent repairs', 1, 0, 0);

-- state: 1 draft, 2 approved, 3 delivering, 4 delivered, 5 in effect, 6 completed, 7 rescheduled, 8 cancelled.
CREATE TABLE works_notices (
  plan                         TEXT   NOT NULL,
  works_notice                 TEXT   NOT NULL CHECK (length(works_notice) BETWEEN 1 AND 63),
  construction_project         TEXT   NOT NULL,
  phase                        TEXT,
  phase_construction_project   TEXT   CHECK (phase_construction_project = construction_project),
  kind                         BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 3),
  urgent_reason                TEXT   NOT NULL CHECK ((length(urgent_reason) > 0) = (kind = 3)),
  display_name                 TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  description                  TEXT   NOT NULL,
  nuisance                     TEXT   NOT NULL,
  resident_actions             TEXT   NOT NULL,
  contact                      TEXT   NOT NULL,
  period_start_date            TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date              TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  state                        BIGINT NOT NULL CHECK (state BETWEEN 1 AND 8),
  household_count              BIGINT NOT NULL CHECK (household_count >= 0),
  waiting_count                BIGINT NOT NULL CHECK (waiting_count BETWEEN 0 AND household_count),
  last_delivery_date           TEXT   CHECK (last_delivery_date IS NULL OR waiting_count = 0),
  earliest_start_date          TEXT,
  replaces                     TEXT,
  replaced_by                  TEXT,
  change_note                  TEXT   NOT NULL,
  delivery_start_date          TEXT,
  revision                     BIGINT NOT NULL,
  create_time                  BIGINT NOT NULL,
  update_time                  BIGINT NOT NULL,
  PRIMARY KEY (plan, works_notice),
  CHECK ((state = 7) = (replaced_by IS NOT NULL)),
  FOREIGN KEY (plan, construction_project) REFERENCES construction_projects,
  FOREIGN KEY (plan, phase_construction_project, phase) REFERENCES construction_phases,
  FOREIGN KEY (plan, replaces) REFERENCES works_notices (plan, works_notice)
);

CREATE TABLE works_areas (
  plan                     TEXT   NOT NULL,
  works_notice             TEXT   NOT NULL,
  position                 BIGINT NOT NULL,
  organisation             TEXT   NOT NULL,
  department               TEXT   NOT NULL,
  stairwell                TEXT   NOT NULL,
  dwelling                 TEXT   NOT NULL,
  period_start_date        TEXT,
  period_end_date          TEXT,
  PRIMARY KEY (plan, works_notice, position),
  FOREIGN KEY (plan, works_notice) REFERENCES works_notices
);

-- state: 1 waiting, 2 told, 3 withdrawn and waiting, 4 withdrawn and told. The key is made of the household's name. informed: whether
-- it heard of the works at all, from this notice or one before it.
CREATE TABLE works_households (
  plan                    TEXT   NOT NULL,
  works_notice            TEXT   NOT NULL,
  works_household         TEXT   NOT NULL CHECK (length(works_household) = 36),
  household               TEXT   NOT NULL,
  household_organisation  TEXT   NOT NULL,
  dwelling                TEXT   NOT NULL,
  dwelling_organisation   TEXT   NOT NULL,
  period_start_date       TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date         TEXT,
  state                   BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  delivery_date           TEXT   CHECK ((delivery_date IS NULL) = (state IN (1, 3))),
  earliest_start_date     TEXT   CHECK ((earliest_start_date IS NULL) = (state <> 2)),
  informed                BOOLEAN NOT NULL DEFAULT FALSE,
  revision                BIGINT NOT NULL,
  create_time             BIGINT NOT NULL,
  update_time             BIGINT NOT NULL,
  PRIMARY KEY (plan, works_notice, works_household),
  FOREIGN KEY (plan, works_notice) REFERENCES works_notices
);
CREATE INDEX works_households_by_state ON works_households (plan, works_notice, state, works_household);
CREATE INDEX works_households_by_start ON works_households (plan, works_notice, earliest_start_date, works_household);
