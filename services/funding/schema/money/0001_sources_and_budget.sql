-- Who pays a plan, and what for. Every key begins with the plan, and no constraint leaves it. Amounts are whole øre.

CREATE TABLE sources (
  plan                TEXT    NOT NULL,
  source              TEXT    NOT NULL CHECK (length(source) BETWEEN 1 AND 40),
  display_name        TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  kind                BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 5),
  contribution        BIGINT  NOT NULL CHECK (contribution BETWEEN 1 AND 2),
  contributor         TEXT,
  amount_minor_units  BIGINT  NOT NULL CHECK (amount_minor_units BETWEEN 1 AND 1000000000000000),
  precision           BIGINT  NOT NULL CHECK (precision BETWEEN 1 AND 2),
  hours               BIGINT  NOT NULL CHECK (hours >= 0),
  counts_as_local     BOOLEAN,
  extension           TEXT,
  state               BIGINT  NOT NULL CHECK (state BETWEEN 1 AND 11),
  pledge_reference    TEXT,
  pledge_sha256       TEXT    CHECK (length(pledge_sha256) = 64),
  approval_reference  TEXT,
  approval_sha256     TEXT    CHECK (length(approval_sha256) = 64),
  approve_date        TEXT    CHECK (length(approve_date) = 10),
  revision            BIGINT  NOT NULL,
  create_time         BIGINT  NOT NULL,
  update_time         BIGINT  NOT NULL,
  PRIMARY KEY (plan, source),
  FOREIGN KEY (plan) REFERENCES plans,
  -- Only what is known to the øre is approved.
  CHECK (state IN (1, 2) OR precision = 1)
);

-- Who proposed it does not approve it, whatever code there is in between.
CREATE TABLE releases (
  plan                TEXT   NOT NULL,
  source              TEXT   NOT NULL,
  release             TEXT   NOT NULL CHECK (length(release) BETWEEN 1 AND 63),
  amount_minor_units  BIGINT NOT NULL CHECK (amount_minor_units > 0),
  release_date        TEXT   NOT NULL CHECK (length(release_date) = 10),
  voucher_reference   TEXT,
  voucher_sha256      TEXT   CHECK (length(voucher_sha256) = 64),
  state               BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  proposed_by         TEXT   NOT NULL,
  decided_by          TEXT,
  decide_time         BIGINT,
  entry               TEXT,
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (plan, source, release),
  FOREIGN KEY (plan, source) REFERENCES sources,
  CHECK ((state = 1) = (decided_by IS NULL)),
  CHECK (state <> 2 OR (decided_by <> proposed_by AND entry IS NOT NULL))
);
CREATE INDEX releases_open ON releases (plan, source, release) WHERE state = 1;

CREATE TABLE apportionments (
  plan                          TEXT   NOT NULL,
  source                        TEXT   NOT NULL,
  apportionment                 TEXT   NOT NULL CHECK (length(apportionment) BETWEEN 1 AND 63),
  key                           BIGINT NOT NULL CHECK (key BETWEEN 1 AND 3),
  method                        BIGINT NOT NULL CHECK (method = 1),
  as_of_date                    TEXT   CHECK (length(as_of_date) = 10),
  total_minor_units             BIGINT NOT NULL CHECK (total_minor_units >= 0),
  proof_weights                 BIGINT NOT NULL CHECK (proof_weights > 0),
  proof_floors_minor_units      BIGINT NOT NULL,
  proof_residual_units          BIGINT NOT NULL CHECK (proof_residual_units = total_minor_units - proof_floors_minor_units),
  proof_sum_minor_units         BIGINT NOT NULL CHECK (proof_sum_minor_units = total_minor_units),
  proof_least_remainder_served  BIGINT NOT NULL,
  revision                      BIGINT NOT NULL,
  create_time                   BIGINT NOT NULL,
  update_time                   BIGINT NOT NULL,
  PRIMARY KEY (plan, source, apportionment),
  FOREIGN KEY (plan, source) REFERENCES sources
);

CREATE TABLE apportionment_parts (
  plan                TEXT    NOT NULL,
  source              TEXT    NOT NULL,
  apportionment       TEXT    NOT NULL,
  department          TEXT    NOT NULL,   -- its name, organisations/9001/departments/001: sorts by LBF number
  weight              BIGINT  NOT NULL CHECK (weight >= 0),
  amount_minor_units  BIGINT  NOT NULL CHECK (amount_minor_units >= 0),
  remainder           BIGINT  NOT NULL CHECK (remainder >= 0),
  got_residual        BOOLEAN NOT NULL,
  PRIMARY KEY (plan, source, apportionment, department),
  FOREIGN KEY (plan, source, apportionment) REFERENCES apportionments
);

-- A line keeps its key through all versions of the budget; its amount is that of the newest one. More than that cannot be reserved
-- and spent.
CREATE TABLE budget_lines (
  plan                  TEXT   NOT NULL,
  budget_line           TEXT   NOT NULL CHECK (length(budget_line) = 4),
  focus_area            TEXT   NOT NULL CHECK (length(focus_area) BETWEEN 1 AND 63),
  cost_kind             TEXT   NOT NULL CHECK (length(cost_kind) BETWEEN 1 AND 40),
  source                TEXT   NOT NULL,
  year                  BIGINT NOT NULL CHECK (year BETWEEN 2000 AND 2200),
  amount_minor_units    BIGINT NOT NULL CHECK (amount_minor_units >= 0),
  reserved_minor_units  BIGINT NOT NULL CHECK (reserved_minor_units >= 0),
  spent_minor_units     BIGINT NOT NULL CHECK (spent_minor_units >= 0),
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (plan, budget_line),
  FOREIGN KEY (plan, source) REFERENCES sources,
  CHECK (reserved_minor_units + spent_minor_units <= amount_minor_units)
);
CREATE UNIQUE INDEX budget_lines_by_cell ON budget_lines (plan, focus_area, cost_kind, source, year);

CREATE TABLE reallocations (
  plan                                   TEXT    NOT NULL,
  reallocation                           TEXT    NOT NULL CHECK (length(reallocation) BETWEEN 1 AND 63),
  reason                                 TEXT    NOT NULL CHECK (length(reason) BETWEEN 1 AND 500),
  approval_reference                     TEXT,
  moved_between_focus_areas_minor_units  BIGINT  NOT NULL CHECK (moved_between_focus_areas_minor_units >= 0),
  needs_fund_approval                    BOOLEAN NOT NULL,
  state                                  BIGINT  NOT NULL CHECK (state BETWEEN 1 AND 3),
  proposed_by                            TEXT    NOT NULL,
  decided_by                             TEXT,
  decide_time                            BIGINT,
  budget                                 TEXT,
  revision                               BIGINT  NOT NULL,
  create_time                            BIGINT  NOT NULL,
  update_time                            BIGINT  NOT NULL,
  PRIMARY KEY (plan, reallocation),
  FOREIGN KEY (plan) REFERENCES plans,
  CHECK ((state = 1) = (decided_by IS NULL)),
  CHECK (state <> 2 OR decided_by <> proposed_by),
  CHECK (state <> 2 OR NOT needs_fund_approval OR approval_reference IS NOT NULL)
);
CREATE INDEX reallocations_open ON reallocations (plan, reallocation) WHERE state = 1;

CREATE TABLE reallocation_moves (
  plan                TEXT   NOT NULL,
  reallocation        TEXT   NOT NULL,
  position            BIGINT NOT NULL,
  focus_area          TEXT   NOT NULL,
  cost_kind           TEXT   NOT NULL,
  source              TEXT   NOT NULL,
  year                BIGINT NOT NULL,
  change_minor_units  BIGINT NOT NULL CHECK (change_minor_units <> 0),
  PRIMARY KEY (plan, reallocation, position),
  FOREIGN KEY (plan, reallocation) REFERENCES reallocations
);

CREATE TABLE budgets (
  plan               TEXT   NOT NULL,
  budget             TEXT   NOT NULL CHECK (length(budget) = 6),
  version            BIGINT NOT NULL CHECK (version > 0),
  occasion           BIGINT NOT NULL CHECK (occasion BETWEEN 1 AND 2),
  reason             TEXT,
  total_minor_units  BIGINT NOT NULL CHECK (total_minor_units >= 0),
  reallocation       TEXT,
  made_by            TEXT   NOT NULL,
  approved_by        TEXT   CHECK (approved_by <> made_by),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (plan, budget),
  FOREIGN KEY (plan) REFERENCES plans,
  FOREIGN KEY (plan, reallocation) REFERENCES reallocations,
  CHECK ((occasion = 2) = (reallocation IS NOT NULL AND approved_by IS NOT NULL))
);

CREATE TABLE budget_version_lines (
  plan                TEXT   NOT NULL,
  budget              TEXT   NOT NULL,
  budget_line         TEXT   NOT NULL,
  amount_minor_units  BIGINT NOT NULL CHECK (amount_minor_units >= 0),
  PRIMARY KEY (plan, budget, budget_line),
  FOREIGN KEY (plan, budget) REFERENCES budgets,
  FOREIGN KEY (plan, budget_line) REFERENCES budget_lines
);
