-- Resident democracy and statistics. Who holds a mandate is another distribution: no foreign key leads there.

CREATE TABLE mandates (
  organisation       TEXT   NOT NULL,
  mandate            TEXT   NOT NULL CHECK (length(mandate) BETWEEN 1 AND 63),
  body               BIGINT NOT NULL CHECK (body BETWEEN 1 AND 3),
  role               BIGINT NOT NULL CHECK (role BETWEEN 1 AND 4),
  department         TEXT,
  household          TEXT,
  holder             TEXT   NOT NULL,
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (organisation, mandate),
  FOREIGN KEY (organisation) REFERENCES organisations,
  FOREIGN KEY (organisation, department) REFERENCES departments,
  FOREIGN KEY (organisation, household) REFERENCES households,
  CHECK ((body = 1) = (household IS NOT NULL)),
  CHECK (body <> 1 OR department IS NULL),
  CHECK (body <> 2 OR department IS NOT NULL),
  CHECK (CASE body WHEN 1 THEN role = 1 WHEN 2 THEN role IN (2, 3, 4) ELSE role IN (1, 4) END)
);
CREATE INDEX mandates_by_department ON mandates (organisation, department, mandate);
CREATE INDEX mandates_by_household ON mandates (organisation, household, mandate);
CREATE INDEX mandates_by_holder ON mandates (holder, organisation, mandate);
-- What overlaps for certain; periods with an end are compared by the service, one writer of an organisation's mandates at a time.
CREATE UNIQUE INDEX mandates_open_household ON mandates (organisation, household) WHERE body = 1 AND period_end_date IS NULL;
CREATE UNIQUE INDEX mandates_open_chair ON mandates (organisation, department)
  WHERE body = 2 AND role = 3 AND period_end_date IS NULL;
CREATE UNIQUE INDEX mandates_open_board ON mandates (organisation, department, holder) WHERE body = 2 AND period_end_date IS NULL;
CREATE UNIQUE INDEX mandates_open_supreme ON mandates (organisation, holder) WHERE body = 3 AND period_end_date IS NULL;

-- The rule that holds on a day is the last one that began by then.
CREATE TABLE voting_rules (
  voting_rule           TEXT   NOT NULL CHECK (length(voting_rule) BETWEEN 1 AND 63),
  start_date            TEXT   NOT NULL CHECK (length(start_date) = 10),
  voting_age_years      BIGINT NOT NULL CHECK (voting_age_years BETWEEN 1 AND 150),
  household_vote_count  BIGINT NOT NULL CHECK (household_vote_count BETWEEN 1 AND 100),
  source                TEXT   CHECK (length(source) BETWEEN 1 AND 300),
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (voting_rule)
);
CREATE UNIQUE INDEX voting_rules_by_start_date ON voting_rules (start_date, voting_rule);
CREATE UNIQUE INDEX voting_rules_start_date ON voting_rules (start_date);

CREATE TABLE statistics_rules (
  statistics_rule     TEXT   NOT NULL CHECK (length(statistics_rule) BETWEEN 1 AND 63),
  start_date          TEXT   NOT NULL CHECK (length(start_date) = 10 AND substr(start_date, 5) = '-01-01'),
  cell_minimum        BIGINT NOT NULL CHECK (cell_minimum BETWEEN 1 AND 1000),
  department_minimum  BIGINT NOT NULL CHECK (department_minimum BETWEEN 1 AND 10000),
  age_band_starts     TEXT   NOT NULL CHECK (length(age_band_starts) >= 1),
  interval_months     BIGINT NOT NULL CHECK (interval_months IN (1, 2, 3, 4, 6, 12)),
  source              TEXT   CHECK (length(source) BETWEEN 1 AND 300),
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (statistics_rule)
);
CREATE UNIQUE INDEX statistics_rules_by_start_date ON statistics_rules (start_date, statistics_rule);
CREATE UNIQUE INDEX statistics_rules_start_date ON statistics_rules (start_date);

-- What holds until the installation enters another rule.
INSERT INTO voting_rules
  (voting_rule, start_date, voting_age_years, household_vote_count, source, revision, create_time, update_time)
VALUES ('normal', '1997-01-01', 18, 2, 'Almenboligloven § 37; normal bylaws of departments', 1, 0, 0);

INSERT INTO statistics_rules
  (statistics_rule, start_date, cell_minimum, department_minimum, age_band_starts, interval_months, source, revision, create_time,
   update_time)
VALUES ('lbf', '1997-01-01', 5, 100, '0,7,13,18,25,40,65', 3,
        'Landsbyggefonden, Beboerdata: departments of 100 residents and more', 1, 0, 0);
