-- Which letters a print run holds, also of those that a later one holds again; what a department was called; and who has moved out.

ALTER TABLE campaign_recipients ADD COLUMN department_display_name TEXT NOT NULL DEFAULT '';

CREATE TABLE print_run_letters (
  plan       TEXT NOT NULL,
  campaign   TEXT NOT NULL,
  print_run  TEXT NOT NULL,
  recipient  TEXT NOT NULL,
  PRIMARY KEY (plan, campaign, print_run, recipient),
  FOREIGN KEY (plan, campaign, print_run) REFERENCES print_runs,
  FOREIGN KEY (plan, campaign, recipient) REFERENCES campaign_recipients
);
INSERT INTO print_run_letters (plan, campaign, print_run, recipient)
  SELECT plan, campaign, print_run, recipient FROM deliveries WHERE print_run IS NOT NULL;

-- From which day on a household lives nowhere: what it said of itself is forgotten then. The register says so, also long before.
CREATE TABLE household_ends (
  organisation  TEXT NOT NULL CHECK (length(organisation) = 4),
  household     TEXT NOT NULL CHECK (length(household) BETWEEN 1 AND 63),
  end_date      TEXT NOT NULL CHECK (length(end_date) = 10),
  PRIMARY KEY (organisation, household)
);
CREATE INDEX household_ends_by_date ON household_ends (end_date, organisation, household);

-- Erasures of residents that the register waits for an answer to.
CREATE TABLE erasures_to_answer (
  resident  TEXT NOT NULL CHECK (length(resident) BETWEEN 1 AND 63),
  erasure   TEXT NOT NULL CHECK (length(erasure) BETWEEN 1 AND 63),
  PRIMARY KEY (resident, erasure)
);
