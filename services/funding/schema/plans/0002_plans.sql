-- Plans. Every key from here on begins with the plan, and no constraint leaves it.

CREATE TABLE plans (
  plan                        TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  display_name                TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  display_name_sort           BYTEA  NOT NULL,
  regulation                  TEXT   NOT NULL,
  state                       BIGINT NOT NULL CHECK (state BETWEEN 1 AND 17),
  period_start_date           TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date             TEXT   NOT NULL CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  municipality_code           TEXT   NOT NULL CHECK (length(municipality_code) = 4 AND ltrim(municipality_code, '0123456789') = ''),
  budget_total_currency_code  TEXT   NOT NULL CHECK (budget_total_currency_code = 'DKK'),
  budget_total_minor_units    BIGINT NOT NULL CHECK (budget_total_minor_units >= 0),
  budget_precision            BIGINT NOT NULL CHECK (budget_precision BETWEEN 0 AND 2),
  successor                   TEXT   CHECK (successor <> plan),
  revision                    BIGINT NOT NULL,
  create_time                 BIGINT NOT NULL,
  update_time                 BIGINT NOT NULL,
  PRIMARY KEY (plan)
);
CREATE INDEX plans_by_display_name ON plans (display_name_sort, plan);

CREATE TABLE plan_focus_areas (
  plan        TEXT   NOT NULL,
  position    BIGINT NOT NULL,
  focus_area  TEXT   NOT NULL CHECK (length(focus_area) BETWEEN 1 AND 63),
  PRIMARY KEY (plan, position),
  FOREIGN KEY (plan) REFERENCES plans
);
CREATE UNIQUE INDEX plan_focus_areas_once ON plan_focus_areas (plan, focus_area);

CREATE TABLE plan_predecessors (
  plan         TEXT   NOT NULL,
  position     BIGINT NOT NULL,
  predecessor  TEXT   NOT NULL CHECK (predecessor <> plan),
  PRIMARY KEY (plan, position),
  FOREIGN KEY (plan) REFERENCES plans
);
