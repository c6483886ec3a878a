-- Days outside a plan's period on which expenses may be dated, as the fund has approved (M6). Rows are only added.
CREATE TABLE expense_windows (
  plan                TEXT   NOT NULL,
  expense_window      TEXT   NOT NULL CHECK (length(expense_window) BETWEEN 1 AND 63),
  period_start_date   TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date     TEXT   NOT NULL CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  reason              TEXT   NOT NULL,
  approval_sha256     TEXT   NOT NULL CHECK (length(approval_sha256) = 64),
  approval_reference  TEXT,
  allowed_by          TEXT   NOT NULL,
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (plan, expense_window),
  FOREIGN KEY (plan) REFERENCES plans
);
