-- Plans that become one. The key begins with the successor.

-- state: 1 proposed, 2 executing, 3 executed, 4 sealed, 5 undoing, 6 undone, 7 withdrawn.
CREATE TABLE plan_merges (
  plan            TEXT   NOT NULL,
  merge           TEXT   NOT NULL CHECK (length(merge) BETWEEN 1 AND 63),
  effective_date  TEXT   NOT NULL CHECK (length(effective_date) = 10),
  reason          TEXT   NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 7),
  seal_date       TEXT   CHECK ((seal_date IS NOT NULL) = (state = 4)),
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, merge),
  FOREIGN KEY (plan) REFERENCES plans
);
CREATE INDEX plan_merges_by_effective_date ON plan_merges (plan, effective_date, merge);

CREATE TABLE plan_merge_predecessors (
  plan         TEXT   NOT NULL,
  merge        TEXT   NOT NULL,
  position     BIGINT NOT NULL,
  predecessor  TEXT   NOT NULL CHECK (predecessor <> plan),
  PRIMARY KEY (plan, merge, position),
  FOREIGN KEY (plan, merge) REFERENCES plan_merges
);

-- A receipt is set once and never again. state: 1 missing, 2 reported.
CREATE TABLE plan_merge_parts (
  plan            TEXT   NOT NULL,
  merge           TEXT   NOT NULL,
  service         TEXT   NOT NULL CHECK (length(service) BETWEEN 1 AND 63),
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 2),
  assess_time     BIGINT NOT NULL,
  conflict_count  BIGINT NOT NULL CHECK (conflict_count >= 0),
  execute_time    BIGINT,
  carried_count   BIGINT NOT NULL DEFAULT 0 CHECK (carried_count >= 0),
  undo_time       BIGINT,
  PRIMARY KEY (plan, merge, service),
  FOREIGN KEY (plan, merge) REFERENCES plan_merges
);

CREATE TABLE merge_conflicts (
  plan         TEXT   NOT NULL,
  merge        TEXT   NOT NULL,
  conflict     TEXT   NOT NULL CHECK (length(conflict) = 32),
  service      TEXT   NOT NULL,
  kind         BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 9),
  description  TEXT   NOT NULL,
  resolution   BIGINT NOT NULL CHECK (resolution BETWEEN 0 AND 9),
  resolver     TEXT   NOT NULL,
  revision     BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (plan, merge, conflict),
  FOREIGN KEY (plan, merge) REFERENCES plan_merges
);

CREATE TABLE merge_conflict_subjects (
  plan      TEXT   NOT NULL,
  merge     TEXT   NOT NULL,
  conflict  TEXT   NOT NULL,
  position  BIGINT NOT NULL,
  subject   TEXT   NOT NULL,
  PRIMARY KEY (plan, merge, conflict, position),
  FOREIGN KEY (plan, merge, conflict) REFERENCES merge_conflicts
);

CREATE TABLE merge_conflict_choices (
  plan        TEXT   NOT NULL,
  merge       TEXT   NOT NULL,
  conflict    TEXT   NOT NULL,
  position    BIGINT NOT NULL,
  resolution  BIGINT NOT NULL CHECK (resolution BETWEEN 1 AND 9),
  PRIMARY KEY (plan, merge, conflict, position),
  FOREIGN KEY (plan, merge, conflict) REFERENCES merge_conflicts
);

-- The plans that a merge is running through, keyed by what is looked up: no plan is in two at once.
CREATE TABLE merging_plans (
  plan        TEXT NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  successor   TEXT NOT NULL,
  merge       TEXT NOT NULL,
  PRIMARY KEY (plan)
);

-- What the execution of a merge has changed of a covered department, as it was before; without a state where there was none. Until
-- the merge is sealed it can be put back.
CREATE TABLE merge_coverage (
  plan                TEXT   NOT NULL,
  merge               TEXT   NOT NULL,
  covering_plan       TEXT   NOT NULL,
  covered_department  TEXT   NOT NULL CHECK (length(covered_department) = 8),
  period_start_date   TEXT   CHECK (length(period_start_date) = 10),
  period_end_date     TEXT   CHECK (length(period_end_date) = 10),
  state               BIGINT CHECK (state BETWEEN 1 AND 2),
  PRIMARY KEY (plan, merge, covering_plan, covered_department),
  FOREIGN KEY (plan, merge) REFERENCES plan_merges
);
