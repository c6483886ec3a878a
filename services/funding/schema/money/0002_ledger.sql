-- The books of a plan. What the database itself holds, whatever code there is in between: no posting is out of balance (debit and
-- credit stand in one row), nothing is released that is not approved and nothing paid that is not released (no account but the
-- granted one is below zero), four eyes, one reversal of an entry at most; and with the next migration, that nothing booked is
-- ever changed or removed and nothing is booked in a closed period.

-- Where the journal of a plan stands. Whoever does something to the plan's money has this row alone.
CREATE TABLE ledgers (
  plan       TEXT   NOT NULL,
  sequence   BIGINT NOT NULL CHECK (sequence >= 0),
  hash       TEXT   NOT NULL CHECK (length(hash) = 64),
  book_time  BIGINT NOT NULL,
  PRIMARY KEY (plan),
  FOREIGN KEY (plan) REFERENCES plans
);

CREATE TABLE periods (
  plan                  TEXT   NOT NULL,
  period                TEXT   NOT NULL CHECK (length(period) = 7),   -- 2022-03
  state                 BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  closing_requested_by  TEXT,
  closed_by             TEXT,
  close_time            BIGINT,
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (plan, period),
  FOREIGN KEY (plan) REFERENCES plans,
  CHECK ((state = 1) = (closing_requested_by IS NULL)),
  CHECK ((state = 3) = (closed_by IS NOT NULL)),
  CHECK (state <> 3 OR closed_by <> closing_requested_by)
);

-- kind: 1 granted, 2 approved, 3 released, 4 reserved, 5 spent.
CREATE TABLE accounts (
  plan                 TEXT   NOT NULL,
  account              TEXT   NOT NULL CHECK (length(account) BETWEEN 1 AND 63),
  kind                 BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 5),
  source               TEXT   NOT NULL,
  budget_line          TEXT,
  debits_minor_units   BIGINT NOT NULL CHECK (debits_minor_units >= 0),
  credits_minor_units  BIGINT NOT NULL CHECK (credits_minor_units >= 0),
  revision             BIGINT NOT NULL DEFAULT 1,
  create_time          BIGINT NOT NULL,
  PRIMARY KEY (plan, account),
  FOREIGN KEY (plan, source) REFERENCES sources,
  FOREIGN KEY (plan, budget_line) REFERENCES budget_lines,
  CHECK ((kind = 5) = (budget_line IS NOT NULL)),
  CHECK (kind = 1 OR debits_minor_units >= credits_minor_units),
  CHECK (kind <> 1 OR credits_minor_units >= debits_minor_units)
);

-- What each day adds to an account, so that a balance as of a date is a sum over days and not over postings.
CREATE TABLE account_days (
  plan                 TEXT   NOT NULL,
  account              TEXT   NOT NULL,
  day                  TEXT   NOT NULL CHECK (length(day) = 10),
  debits_minor_units   BIGINT NOT NULL,
  credits_minor_units  BIGINT NOT NULL,
  PRIMARY KEY (plan, account, day),
  FOREIGN KEY (plan, account) REFERENCES accounts
);

CREATE TABLE journal_entries (
  plan               TEXT   NOT NULL,
  entry              TEXT   NOT NULL CHECK (length(entry) = 12),   -- its sequence with leading zeros: sorts as the journal does
  sequence           BIGINT NOT NULL CHECK (sequence > 0),
  kind               BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 8),
  entry_date         TEXT   NOT NULL CHECK (length(entry_date) = 10),
  period             TEXT   NOT NULL,
  source             TEXT   NOT NULL,
  cause              TEXT   NOT NULL,
  voucher_reference  TEXT,
  voucher_sha256     TEXT   CHECK (length(voucher_sha256) = 64),
  made_by            TEXT   NOT NULL,
  approved_by        TEXT,
  reverses           TEXT,
  reason             TEXT,
  previous_hash      TEXT   NOT NULL CHECK (length(previous_hash) = 64),
  hash               TEXT   NOT NULL CHECK (length(hash) = 64),
  book_time          BIGINT NOT NULL,
  revision           BIGINT NOT NULL DEFAULT 1,
  PRIMARY KEY (plan, entry),
  FOREIGN KEY (plan, period) REFERENCES periods,
  FOREIGN KEY (plan, source) REFERENCES sources,
  FOREIGN KEY (plan, reverses) REFERENCES journal_entries,
  -- Four eyes: releases (2), disbursements (4) and reversals (6).
  CHECK (kind NOT IN (2, 4, 6) OR (approved_by IS NOT NULL AND approved_by <> made_by)),
  CHECK ((kind = 6) = (reverses IS NOT NULL))
);
CREATE UNIQUE INDEX journal_entries_by_reversed ON journal_entries (plan, reverses) WHERE reverses IS NOT NULL;

CREATE TABLE postings (
  plan                        TEXT    NOT NULL,
  entry                       TEXT    NOT NULL,
  posting                     TEXT    NOT NULL CHECK (length(posting) BETWEEN 1 AND 4),
  debit_account               TEXT    NOT NULL,
  credit_account              TEXT    NOT NULL CHECK (credit_account <> debit_account),
  amount_minor_units          BIGINT  NOT NULL CHECK (amount_minor_units > 0),
  source                      TEXT    NOT NULL,
  budget_line                 TEXT,
  focus_area                  TEXT,
  cost_kind                   TEXT,
  year                        BIGINT  NOT NULL,
  kind                        BIGINT  NOT NULL,
  entry_date                  TEXT    NOT NULL CHECK (length(entry_date) = 10),
  period                      TEXT    NOT NULL,
  debit_balance_minor_units   BIGINT  NOT NULL,
  credit_balance_minor_units  BIGINT  NOT NULL,
  spends                      BOOLEAN NOT NULL,
  book_time                   BIGINT  NOT NULL,
  revision                    BIGINT  NOT NULL DEFAULT 1,
  PRIMARY KEY (plan, entry, posting),
  FOREIGN KEY (plan, entry) REFERENCES journal_entries,
  FOREIGN KEY (plan, debit_account) REFERENCES accounts,
  FOREIGN KEY (plan, credit_account) REFERENCES accounts
);
-- The balance of an account as it was known at a time is that after the last posting until then, on either side.
CREATE INDEX postings_by_debit ON postings (plan, debit_account, book_time, entry, posting);
CREATE INDEX postings_by_credit ON postings (plan, credit_account, book_time, entry, posting);

CREATE TABLE disbursements (
  plan                      TEXT   NOT NULL,
  disbursement              TEXT   NOT NULL CHECK (length(disbursement) BETWEEN 1 AND 63),
  budget_line               TEXT   NOT NULL,
  amount_minor_units        BIGINT NOT NULL CHECK (amount_minor_units > 0),
  expense_date              TEXT   NOT NULL CHECK (length(expense_date) = 10),
  voucher_reference         TEXT,
  voucher_sha256            TEXT   CHECK (length(voucher_sha256) = 64),
  purpose                   TEXT,
  expire_time               BIGINT NOT NULL,
  state                     BIGINT NOT NULL CHECK (state BETWEEN 1 AND 5),
  posted_amount_minor_units BIGINT NOT NULL CHECK (posted_amount_minor_units BETWEEN 0 AND amount_minor_units),
  reserved_by               TEXT   NOT NULL,
  posted_by                 TEXT   CHECK (posted_by <> reserved_by),
  reservation_entry         TEXT   NOT NULL,
  final_entry               TEXT,
  reversal_entry            TEXT,
  revision                  BIGINT NOT NULL,
  create_time               BIGINT NOT NULL,
  update_time               BIGINT NOT NULL,
  PRIMARY KEY (plan, disbursement),
  FOREIGN KEY (plan, budget_line) REFERENCES budget_lines,
  FOREIGN KEY (plan, reservation_entry) REFERENCES journal_entries,
  FOREIGN KEY (plan, final_entry) REFERENCES journal_entries,
  FOREIGN KEY (plan, reversal_entry) REFERENCES journal_entries,
  CHECK ((state = 1) = (final_entry IS NULL)),
  CHECK (state NOT IN (2, 5) OR (posted_by IS NOT NULL AND posted_amount_minor_units > 0)),
  CHECK ((state = 5) = (reversal_entry IS NOT NULL))
);
CREATE INDEX disbursements_by_expiry ON disbursements (plan, expire_time) WHERE state = 1;
