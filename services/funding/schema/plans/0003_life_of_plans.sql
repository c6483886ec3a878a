-- What is done to plans, with whom, and what is agreed on.

-- Each act as it was registered; rows are only added.
CREATE TABLE plan_changes (
  plan                TEXT   NOT NULL,
  change              TEXT   NOT NULL CHECK (length(change) = 6 AND ltrim(change, '0123456789') = ''),
  transition          BIGINT NOT NULL CHECK (transition BETWEEN 1 AND 20),
  from_state          BIGINT NOT NULL CHECK (from_state BETWEEN 1 AND 17),
  to_state            BIGINT NOT NULL CHECK (to_state BETWEEN 1 AND 17),
  effective_date      TEXT   NOT NULL CHECK (length(effective_date) = 10),
  reason              TEXT   NOT NULL,
  actor               TEXT   NOT NULL,
  from_regulation     TEXT,
  to_regulation       TEXT,
  evidence_sha256     TEXT   CHECK (length(evidence_sha256) = 64),
  evidence_reference  TEXT,
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (plan, change),
  FOREIGN KEY (plan) REFERENCES plans
);
CREATE INDEX plan_changes_by_effective_date ON plan_changes (plan, effective_date, change);

-- state: 1 covered, 2 excluded. Without a period of its own a department is covered during the plan's. The department is one of the housing register, which no constraint reaches.
CREATE TABLE covered_departments (
  plan                     TEXT   NOT NULL,
  covered_department       TEXT   NOT NULL CHECK (length(covered_department) = 8),
  department_organisation  TEXT   NOT NULL CHECK (length(department_organisation) = 4),
  department               TEXT   NOT NULL CHECK (length(department) = 3),
  period_start_date        TEXT   CHECK (length(period_start_date) = 10),
  period_end_date          TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  dwelling_count           BIGINT NOT NULL CHECK (dwelling_count BETWEEN 1 AND 100000),
  area_square_metres       BIGINT NOT NULL CHECK (area_square_metres BETWEEN 0 AND 100000000),
  state                    BIGINT NOT NULL CHECK (state BETWEEN 1 AND 2),
  exclude_reason           TEXT   NOT NULL,
  revision                 BIGINT NOT NULL,
  create_time              BIGINT NOT NULL,
  update_time              BIGINT NOT NULL,
  PRIMARY KEY (plan, covered_department),
  FOREIGN KEY (plan) REFERENCES plans
);

CREATE TABLE agreements (
  plan          TEXT   NOT NULL,
  agreement     TEXT   NOT NULL CHECK (length(agreement) BETWEEN 1 AND 63),
  display_name  TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  kind          BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 2),
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, agreement),
  FOREIGN KEY (plan) REFERENCES plans
);

-- Rows are only added; a version is in force from its date until that of the next.
CREATE TABLE agreement_versions (
  plan                TEXT   NOT NULL,
  agreement           TEXT   NOT NULL,
  version             TEXT   NOT NULL CHECK (length(version) = 6 AND ltrim(version, '0123456789') = ''),
  valid_from_date     TEXT   NOT NULL CHECK (length(valid_from_date) = 10),
  goals               TEXT   NOT NULL CHECK (length(goals) BETWEEN 1 AND 5000),
  document_sha256     TEXT   NOT NULL CHECK (length(document_sha256) = 64),
  document_reference  TEXT   NOT NULL,
  approval            TEXT,
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (plan, agreement, version),
  FOREIGN KEY (plan, agreement) REFERENCES agreements
);
CREATE UNIQUE INDEX agreement_versions_by_date ON agreement_versions (plan, agreement, valid_from_date);

CREATE TABLE milestones (
  plan          TEXT   NOT NULL,
  milestone     TEXT   NOT NULL CHECK (length(milestone) BETWEEN 1 AND 63),
  display_name  TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  focus_area    TEXT   NOT NULL,
  due_date      TEXT   NOT NULL CHECK (length(due_date) = 10),
  reach_date    TEXT   CHECK (length(reach_date) = 10),
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, milestone),
  FOREIGN KEY (plan) REFERENCES plans
);
CREATE INDEX milestones_by_due_date ON milestones (plan, due_date, milestone);

-- state: 1 proposed, 2 applied, 3 withdrawn.
CREATE TABLE extensions (
  plan                        TEXT   NOT NULL,
  extension                   TEXT   NOT NULL CHECK (length(extension) BETWEEN 1 AND 63),
  end_date                    TEXT   NOT NULL CHECK (length(end_date) = 10),
  budget_delta_currency_code  TEXT   NOT NULL CHECK (budget_delta_currency_code = 'DKK'),
  budget_delta_minor_units    BIGINT NOT NULL CHECK (budget_delta_minor_units >= 0),
  reason                      TEXT   NOT NULL,
  state                       BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  apply_date                  TEXT   CHECK (length(apply_date) = 10),
  former_end_date             TEXT   CHECK (length(former_end_date) = 10 AND former_end_date < end_date),
  revision                    BIGINT NOT NULL,
  create_time                 BIGINT NOT NULL,
  update_time                 BIGINT NOT NULL,
  PRIMARY KEY (plan, extension),
  FOREIGN KEY (plan) REFERENCES plans
);
