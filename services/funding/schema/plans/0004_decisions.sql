-- Who has decided what.

-- party as in the contract: 3 an organisation, 4 the municipality, 5 the fund. state: 1 standing, 2 annulled.
CREATE TABLE approvals (
  plan                TEXT   NOT NULL,
  approval            TEXT   NOT NULL CHECK (length(approval) BETWEEN 1 AND 63),
  party               BIGINT NOT NULL CHECK (party BETWEEN 3 AND 5),
  organisation        TEXT   NOT NULL CHECK ((length(organisation) = 4) = (party = 3)),
  stage               BIGINT NOT NULL CHECK (stage BETWEEN 1 AND 2),
  subject             TEXT   NOT NULL,
  outcome             BIGINT NOT NULL CHECK (outcome BETWEEN 1 AND 2),
  decide_date         TEXT   NOT NULL CHECK (length(decide_date) = 10),
  body                TEXT   NOT NULL,
  evidence_sha256     TEXT   NOT NULL CHECK (length(evidence_sha256) = 64),
  evidence_reference  TEXT   NOT NULL,
  state               BIGINT NOT NULL CHECK (state BETWEEN 1 AND 2),
  annul_reason        TEXT   NOT NULL,
  annul_date          TEXT   CHECK (length(annul_date) = 10),
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (plan, approval),
  FOREIGN KEY (plan) REFERENCES plans
);
CREATE UNIQUE INDEX approvals_standing ON approvals (plan, party, organisation, stage, subject) WHERE state = 1;
CREATE INDEX approvals_by_date ON approvals (plan, decide_date, approval);

-- state as in the contract; 8 and 9 are results, 12 is annulled. Once there is a result only the state goes on.
CREATE TABLE decisions (
  plan                                    TEXT   NOT NULL,
  decision                                TEXT   NOT NULL CHECK (length(decision) BETWEEN 1 AND 63),
  covered_department                      TEXT   NOT NULL,
  question                                TEXT   NOT NULL CHECK (length(question) BETWEEN 1 AND 2000),
  due_date                                TEXT   CHECK (length(due_date) = 10),
  state                                   BIGINT NOT NULL CHECK (state BETWEEN 1 AND 12),
  meeting_kind                            BIGINT NOT NULL CHECK (meeting_kind BETWEEN 0 AND 2),
  call_date                               TEXT   CHECK (length(call_date) = 10),
  meeting_date                            TEXT   CHECK (length(meeting_date) = 10 AND meeting_date >= call_date),
  agenda                                  TEXT   NOT NULL,
  proxy_exemption                         TEXT   NOT NULL,
  material_date                           TEXT   CHECK (length(material_date) = 10 AND material_date <= meeting_date),
  material_sha256                         TEXT   CHECK (length(material_sha256) = 64),
  material_reference                      TEXT,
  attending_voter_count                   BIGINT NOT NULL CHECK (attending_voter_count >= 0),
  minutes_sha256                          TEXT   CHECK (length(minutes_sha256) = 64),
  minutes_reference                       TEXT,
  rent_increase_basis_points              BIGINT NOT NULL CHECK (rent_increase_basis_points >= 0),
  digital_end_date                        TEXT   CHECK (length(digital_end_date) = 10 AND digital_end_date > meeting_date),
  ballot_period_start_date                TEXT   CHECK (length(ballot_period_start_date) = 10),
  ballot_period_end_date                  TEXT   CHECK (ballot_period_end_date > ballot_period_start_date),
  paper_tally_yes_count                   BIGINT NOT NULL CHECK (paper_tally_yes_count >= 0),
  paper_tally_no_count                    BIGINT NOT NULL CHECK (paper_tally_no_count >= 0),
  paper_tally_blank_count                 BIGINT NOT NULL CHECK (paper_tally_blank_count >= 0),
  digital_tally_yes_count                 BIGINT NOT NULL CHECK (digital_tally_yes_count >= 0),
  digital_tally_no_count                  BIGINT NOT NULL CHECK (digital_tally_no_count >= 0),
  digital_tally_blank_count               BIGINT NOT NULL CHECK (digital_tally_blank_count >= 0),
  ballot_tally_yes_count                  BIGINT NOT NULL CHECK (ballot_tally_yes_count >= 0),
  ballot_tally_no_count                   BIGINT NOT NULL CHECK (ballot_tally_no_count >= 0),
  ballot_tally_blank_count                BIGINT NOT NULL CHECK (ballot_tally_blank_count >= 0),
  eligible_household_count                BIGINT NOT NULL CHECK (eligible_household_count >= 0),
  eligible_vote_count                     BIGINT NOT NULL CHECK (eligible_vote_count >= 0),
  count_date                              TEXT   CHECK (length(count_date) = 10),
  department_override_legal_ground        BIGINT NOT NULL CHECK (department_override_legal_ground BETWEEN 0 AND 1),
  department_override_reason              TEXT   NOT NULL,
  department_override_decide_date         TEXT   CHECK (length(department_override_decide_date) = 10),
  department_override_evidence_sha256     TEXT   CHECK (length(department_override_evidence_sha256) = 64),
  department_override_evidence_reference  TEXT,
  replaces                                TEXT   CHECK (replaces <> decision),
  replaced_by                             TEXT   CHECK (replaced_by <> decision),
  annul_reason                            TEXT   NOT NULL,
  revision                                BIGINT NOT NULL,
  create_time                             BIGINT NOT NULL,
  update_time                             BIGINT NOT NULL,
  PRIMARY KEY (plan, decision),
  FOREIGN KEY (plan, covered_department) REFERENCES covered_departments,
  -- V5 and V8: what the database itself can see of them.
  CHECK (state <> 8 OR paper_tally_yes_count + digital_tally_yes_count + ballot_tally_yes_count
                     > paper_tally_no_count + digital_tally_no_count + ballot_tally_no_count),
  CHECK (state <> 10 OR department_override_legal_ground > 0)
);
-- A department has one decision at a time.
CREATE UNIQUE INDEX decisions_standing ON decisions (plan, covered_department) WHERE state <> 12;
CREATE INDEX decisions_by_meeting_date ON decisions (plan, meeting_date, decision);

-- That a household has used votes, and by which channel: one row, one channel. What was voted is nowhere kept with it, and neither
-- time nor order is, by which the two could be brought together (V6).
CREATE TABLE decision_turnout (
  plan        TEXT   NOT NULL,
  decision    TEXT   NOT NULL,
  household   TEXT   NOT NULL CHECK (length(household) BETWEEN 1 AND 200),
  channel     BIGINT NOT NULL CHECK (channel BETWEEN 1 AND 3),
  vote_count  BIGINT NOT NULL CHECK (vote_count BETWEEN 1 AND 100),
  PRIMARY KEY (plan, decision, household),
  FOREIGN KEY (plan, decision) REFERENCES decisions
);
