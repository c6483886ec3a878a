-- Kinds and rules are few rows that belong to no plan; every other key begins with the plan, and no constraint leaves it.

CREATE TABLE activity_types (
  activity_type  TEXT    NOT NULL CHECK (length(activity_type) BETWEEN 1 AND 63),
  display_name   TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  confidential   BOOLEAN NOT NULL,
  revision       BIGINT  NOT NULL,
  create_time    BIGINT  NOT NULL,
  update_time    BIGINT  NOT NULL,
  PRIMARY KEY (activity_type)
);

-- Domain notes, 3.1.
INSERT INTO activity_types (activity_type, display_name, confidential, revision, create_time, update_time) VALUES
  ('lektiehjaelp', 'Lektiehjælp', FALSE, 1, 0, 0),
  ('fritidsjob', 'Fritidsjob', FALSE, 1, 0, 0),
  ('lommepengejob', 'Lommepengejob', FALSE, 1, 0, 0),
  ('jobvejledning', 'Jobvejledning', FALSE, 1, 0, 0),
  ('sprogundervisning', 'Sprogundervisning', FALSE, 1, 0, 0),
  ('familieraadgivning', 'Familierådgivning', TRUE, 1, 0, 0),
  ('foraeldrenetvaerk', 'Forældrenetværk', FALSE, 1, 0, 0),
  ('moedregruppe', 'Mødregruppe', FALSE, 1, 0, 0),
  ('faedregruppe', 'Fædregruppe', FALSE, 1, 0, 0),
  ('bydelsmoedre', 'Bydelsmødre', FALSE, 1, 0, 0),
  ('godt-naboskab', 'Godt naboskab', FALSE, 1, 0, 0),
  ('fritidsaktivitet', 'Fritidsaktivitet', FALSE, 1, 0, 0),
  ('tryghedsvandring', 'Tryghedsvandring', FALSE, 1, 0, 0),
  ('beboermoede', 'Beboermøde', FALSE, 1, 0, 0),
  ('kultur-event', 'Kulturevent', FALSE, 1, 0, 0),
  ('frivillig-kursus', 'Kursus for frivillige', FALSE, 1, 0, 0);

-- The key is the date from which a rule holds.
CREATE TABLE activity_rules (
  activity_rule         TEXT   NOT NULL CHECK (length(activity_rule) = 10),
  purpose               TEXT   NOT NULL,
  guardian_consent_age  BIGINT NOT NULL CHECK (guardian_consent_age BETWEEN 1 AND 21),
  offer_hours           BIGINT NOT NULL CHECK (offer_hours BETWEEN 1 AND 720),
  child_age             BIGINT NOT NULL CHECK (child_age BETWEEN 1 AND 21),
  clearance_months      BIGINT NOT NULL CHECK (clearance_months BETWEEN 1 AND 120),
  clearance_order_max   BIGINT NOT NULL CHECK (clearance_order_max BETWEEN 1 AND 1000),
  source                TEXT   NOT NULL,
  revision              BIGINT NOT NULL,
  create_time           BIGINT NOT NULL,
  update_time           BIGINT NOT NULL,
  PRIMARY KEY (activity_rule)
);

-- The age of 15 and the 50 names stand in law and practice about clearances (domain notes, 3.3); the rest is policy.
INSERT INTO activity_rules (activity_rule, purpose, guardian_consent_age, offer_hours, child_age, clearance_months, clearance_order_max,
                            source, revision, create_time, update_time) VALUES
  ('2019-01-01', 'activities', 15, 48, 15, 24, 50,
   'Lov om indhentelse af børneattest § 1; renewal after one to two years is recommended; offers and consent are policy', 1, 0, 0);

CREATE TABLE sub_goals (
  plan              TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  sub_goal          TEXT   NOT NULL CHECK (length(sub_goal) BETWEEN 1 AND 63),
  display_name      TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  focus_area        TEXT   NOT NULL CHECK (length(focus_area) BETWEEN 1 AND 63),
  purpose           TEXT   NOT NULL CHECK (length(purpose) BETWEEN 1 AND 5000),
  success_criteria  TEXT   NOT NULL,
  revision          BIGINT NOT NULL,
  create_time       BIGINT NOT NULL,
  update_time       BIGINT NOT NULL,
  PRIMARY KEY (plan, sub_goal)
);

-- state: 1 draft, 2 planned, 3 open, 4 full, 5 running, 6 completed, 7 reported, 8 paused, 9 cancelled.
CREATE TABLE activities (
  plan                        TEXT    NOT NULL,
  activity                    TEXT    NOT NULL CHECK (length(activity) BETWEEN 1 AND 63),
  display_name                TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  description                 TEXT    NOT NULL,
  sub_goal                    TEXT    NOT NULL,
  focus_area                  TEXT    NOT NULL,
  activity_type               TEXT    NOT NULL,
  target_group                TEXT    NOT NULL,
  age_min                     BIGINT  CHECK (age_min BETWEEN 0 AND 120),
  age_max                     BIGINT  CHECK (age_max BETWEEN 0 AND 120 AND age_max >= age_min),
  place                       TEXT    NOT NULL,
  department_organisation     TEXT    CHECK (length(department_organisation) = 4),
  department                  TEXT    CHECK (length(department) = 3),
  responsible                 TEXT    NOT NULL,
  capacity                    BIGINT  CHECK (capacity BETWEEN 1 AND 100000),
  open_to_all                 BOOLEAN NOT NULL,
  registration_deadline_time  BIGINT,
  state                       BIGINT  NOT NULL CHECK (state BETWEEN 1 AND 9),
  paused_state                BIGINT  CHECK (paused_state BETWEEN 2 AND 5),
  revision                    BIGINT  NOT NULL,
  create_time                 BIGINT  NOT NULL,
  update_time                 BIGINT  NOT NULL,
  PRIMARY KEY (plan, activity),
  FOREIGN KEY (plan, sub_goal) REFERENCES sub_goals
);
CREATE INDEX activities_by_display_name ON activities (plan, display_name, activity);
CREATE INDEX activities_by_sub_goal ON activities (plan, sub_goal, activity);
CREATE INDEX activities_by_focus_area ON activities (plan, focus_area, activity);

CREATE TABLE activity_partners (
  plan          TEXT   NOT NULL,
  activity      TEXT   NOT NULL,
  position      BIGINT NOT NULL,
  kind          BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 6),
  display_name  TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  PRIMARY KEY (plan, activity, position),
  FOREIGN KEY (plan, activity) REFERENCES activities
);

CREATE TABLE activity_languages (
  plan      TEXT   NOT NULL,
  activity  TEXT   NOT NULL,
  position  BIGINT NOT NULL,
  language  TEXT   NOT NULL,
  PRIMARY KEY (plan, activity, position),
  FOREIGN KEY (plan, activity) REFERENCES activities
);

-- One row for each activity, which everybody locks who takes or gives up a seat. That no more are taken than there are holds here too.
CREATE TABLE activity_seats (
  plan         TEXT   NOT NULL,
  activity     TEXT   NOT NULL,
  capacity     BIGINT,
  taken        BIGINT NOT NULL DEFAULT 0 CHECK (taken >= 0 AND (capacity IS NULL OR taken <= capacity)),
  waiting      BIGINT NOT NULL DEFAULT 0 CHECK (waiting >= 0),
  last_number  BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (plan, activity),
  FOREIGN KEY (plan, activity) REFERENCES activities
);

-- state: 1 submitted, 2 accepted, 3 declined, 4 withdrawn.
CREATE TABLE proposals (
  plan           TEXT   NOT NULL,
  proposal       TEXT   NOT NULL CHECK (length(proposal) BETWEEN 1 AND 63),
  display_name   TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  description    TEXT   NOT NULL,
  focus_area     TEXT   NOT NULL,
  proposer_kind  BIGINT NOT NULL CHECK (proposer_kind BETWEEN 1 AND 3),
  resident       TEXT,
  state          BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  review_note    TEXT   NOT NULL,
  activity       TEXT   CHECK ((activity IS NOT NULL) = (state = 2)),
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (plan, proposal)
);
