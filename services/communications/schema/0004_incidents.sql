-- What happens in an area and is coordinated. No person stands here but sealed, in an annex; who takes part is a subject.

-- The key is the date from which a rule holds.
CREATE TABLE incident_rules (
  incident_rule    TEXT   NOT NULL CHECK (length(incident_rule) = 10),
  report_minutes   BIGINT NOT NULL CHECK (report_minutes > 0),
  acute_minutes    BIGINT NOT NULL CHECK (acute_minutes > 0),
  high_minutes     BIGINT NOT NULL CHECK (high_minutes > 0),
  medium_minutes   BIGINT NOT NULL CHECK (medium_minutes > 0),
  low_minutes      BIGINT NOT NULL CHECK (low_minutes > 0),
  retention_days   BIGINT NOT NULL CHECK (retention_days > 0),
  annex_days_max   BIGINT NOT NULL CHECK (annex_days_max > 0),
  source           TEXT   NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
  revision         BIGINT NOT NULL,
  create_time      BIGINT NOT NULL,
  update_time      BIGINT NOT NULL,
  PRIMARY KEY (incident_rule)
);

-- Two years: what is older is generally not disclosed under almenboligloven § 63 d (domain notes, 5.4). The rest is policy.
INSERT INTO incident_rules (incident_rule, report_minutes, acute_minutes, high_minutes, medium_minutes, low_minutes, retention_days,
                            annex_days_max, source, revision, create_time, update_time) VALUES
  ('2019-01-01', 60, 15, 60, 480, 1440, 730, 90,
   'Policy of the house; two years follow what is recent enough to be disclosed under almenboligloven § 63 d', 1, 0, 0);

-- Never changed: the key is the date from which it holds.
CREATE TABLE contingency_plans (
  plan              TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  contingency_plan  TEXT   NOT NULL CHECK (length(contingency_plan) = 10),
  display_name      TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  source            TEXT   NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
  revision          BIGINT NOT NULL,
  create_time       BIGINT NOT NULL,
  update_time       BIGINT NOT NULL,
  PRIMARY KEY (plan, contingency_plan)
);

CREATE TABLE contingency_roles (
  plan              TEXT    NOT NULL,
  contingency_plan  TEXT    NOT NULL,
  position          BIGINT  NOT NULL,
  role              TEXT    NOT NULL CHECK (length(role) BETWEEN 1 AND 63),
  display_name      TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 100),
  kind              BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 8),
  on_report         BOOLEAN NOT NULL,
  coordinates       BOOLEAN NOT NULL,
  PRIMARY KEY (plan, contingency_plan, position),
  UNIQUE (plan, contingency_plan, role),
  FOREIGN KEY (plan, contingency_plan) REFERENCES contingency_plans
);

-- In the order in which they are called.
CREATE TABLE contingency_holders (
  plan              TEXT   NOT NULL,
  contingency_plan  TEXT   NOT NULL,
  role              TEXT   NOT NULL,
  position          BIGINT NOT NULL,
  subject           TEXT   NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  PRIMARY KEY (plan, contingency_plan, role, position),
  FOREIGN KEY (plan, contingency_plan) REFERENCES contingency_plans
);

-- state: 1 reported, 2 triaged, 3 coordinated, 4 monitored, 5 closed, 6 reopened, 7 dismissed, 8 duplicate, 9 anonymised.
CREATE TABLE incidents (
  plan                     TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  incident                 TEXT   NOT NULL CHECK (length(incident) BETWEEN 1 AND 63),
  kind                     BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 14),
  occur_time               BIGINT NOT NULL,
  place                    TEXT   NOT NULL,
  department               TEXT,
  department_organisation  TEXT,
  description              TEXT   NOT NULL,
  external_id              TEXT,
  reporter                 TEXT   NOT NULL,
  state                    BIGINT NOT NULL CHECK (state BETWEEN 1 AND 9),
  severity                 BIGINT NOT NULL CHECK (severity BETWEEN 0 AND 4),
  scope                    BIGINT NOT NULL CHECK (scope BETWEEN 0 AND 2),
  action_plan              TEXT   NOT NULL,
  contingency_plan         TEXT,
  duplicate_of             TEXT,
  public_information       TEXT   NOT NULL,
  publish_time             BIGINT,
  outcome                  TEXT   NOT NULL,
  close_time               BIGINT,
  retain_until_date        TEXT   CHECK (retain_until_date IS NULL OR length(retain_until_date) = 10 AND state IN (5, 7, 8)),
  timeline_count           BIGINT NOT NULL DEFAULT 0,
  revision                 BIGINT NOT NULL,
  create_time              BIGINT NOT NULL,
  update_time              BIGINT NOT NULL,
  PRIMARY KEY (plan, incident),
  CHECK ((state = 8) = (duplicate_of IS NOT NULL) OR state = 9),
  FOREIGN KEY (plan, duplicate_of) REFERENCES incidents (plan, incident),
  FOREIGN KEY (plan, contingency_plan) REFERENCES contingency_plans
);
CREATE UNIQUE INDEX incidents_by_external_id ON incidents (plan, reporter, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX incidents_by_state ON incidents (plan, state, occur_time, incident);
CREATE INDEX incidents_joined ON incidents (plan, duplicate_of, incident) WHERE duplicate_of IS NOT NULL;
CREATE INDEX incidents_due ON incidents (retain_until_date, plan, incident) WHERE retain_until_date IS NOT NULL;

CREATE TABLE incident_parties (
  plan            TEXT    NOT NULL,
  incident        TEXT    NOT NULL,
  incident_party  TEXT    NOT NULL CHECK (length(incident_party) BETWEEN 1 AND 63),
  subject         TEXT    NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  kind            BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 8),
  coordinates     BOOLEAN NOT NULL,
  need_to_know    TEXT    NOT NULL,
  revision        BIGINT  NOT NULL,
  create_time     BIGINT  NOT NULL,
  update_time     BIGINT  NOT NULL,
  PRIMARY KEY (plan, incident, incident_party),
  UNIQUE (plan, incident, subject),
  FOREIGN KEY (plan, incident) REFERENCES incidents
);
CREATE INDEX incident_parties_by_subject ON incident_parties (plan, subject, incident);

-- state: 1 open, 2 done, 3 cancelled.
CREATE TABLE incident_tasks (
  plan           TEXT   NOT NULL,
  incident       TEXT   NOT NULL,
  incident_task  TEXT   NOT NULL CHECK (length(incident_task) BETWEEN 1 AND 63),
  title          TEXT   NOT NULL,
  owner          TEXT   NOT NULL,
  due_time       BIGINT NOT NULL,
  state          BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  outcome        TEXT   NOT NULL,
  assigner       TEXT   NOT NULL,
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (plan, incident, incident_task),
  FOREIGN KEY (plan, incident) REFERENCES incidents
);

CREATE TABLE incident_task_deputies (
  plan           TEXT   NOT NULL,
  incident       TEXT   NOT NULL,
  incident_task  TEXT   NOT NULL,
  position       BIGINT NOT NULL,
  subject        TEXT   NOT NULL,
  PRIMARY KEY (plan, incident, incident_task, position),
  FOREIGN KEY (plan, incident, incident_task) REFERENCES incident_tasks
);

-- state: 1 waiting, 2 acknowledged, 3 escalated, 4 exhausted. The clock is due_time: whoever looks first after it, also after a
-- restart, passes the alert on. next_holders: who is called after this one, one a line.
CREATE TABLE incident_alerts (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  incident_alert  TEXT   NOT NULL CHECK (length(incident_alert) BETWEEN 1 AND 63),
  role            TEXT   NOT NULL,
  task            TEXT,
  subject         TEXT   NOT NULL,
  position        BIGINT NOT NULL CHECK (position > 0),
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  due_time        BIGINT NOT NULL,
  settle_time     BIGINT CHECK ((settle_time IS NULL) = (state = 1)),
  escalated_to    TEXT,
  next_holders    TEXT   NOT NULL DEFAULT '',
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, incident, incident_alert),
  FOREIGN KEY (plan, incident) REFERENCES incidents,
  FOREIGN KEY (plan, incident, task) REFERENCES incident_tasks (plan, incident, incident_task)
);
CREATE INDEX incident_alerts_due ON incident_alerts (due_time, plan, incident, incident_alert) WHERE state = 1;
CREATE INDEX incident_alerts_by_task ON incident_alerts (plan, incident, task, incident_alert) WHERE task IS NOT NULL;

-- Only added to; what is over its retention loses its words and its author, not its place.
CREATE TABLE timeline_entries (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  timeline_entry  TEXT   NOT NULL CHECK (length(timeline_entry) = 8),
  kind            BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 13),
  text            TEXT   NOT NULL,
  author          TEXT   NOT NULL,
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, incident, timeline_entry),
  FOREIGN KEY (plan, incident) REFERENCES incidents
);

-- The content is sealed with a data key; without it the row says that there was one.
CREATE TABLE incident_annexes (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  incident_annex  TEXT   NOT NULL CHECK (length(incident_annex) BETWEEN 1 AND 63),
  basis           BIGINT NOT NULL CHECK (basis BETWEEN 1 AND 5),
  purpose         TEXT   NOT NULL,
  expire_time     BIGINT NOT NULL,
  author          TEXT   NOT NULL,
  erase_time      BIGINT,
  key_id          TEXT,
  sealed          BYTEA  CHECK (sealed IS NULL OR erase_time IS NULL),
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, incident, incident_annex),
  FOREIGN KEY (plan, incident) REFERENCES incidents
);
CREATE INDEX incident_annexes_due ON incident_annexes (expire_time, plan, incident, incident_annex) WHERE erase_time IS NULL;

CREATE TABLE annex_readers (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  incident_annex  TEXT   NOT NULL,
  position        BIGINT NOT NULL,
  subject         TEXT   NOT NULL,
  PRIMARY KEY (plan, incident, incident_annex, position),
  FOREIGN KEY (plan, incident, incident_annex) REFERENCES incident_annexes
);

CREATE TABLE annex_accesses (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  incident_annex  TEXT   NOT NULL,
  annex_access    TEXT   NOT NULL CHECK (length(annex_access) = 36),
  subject         TEXT   NOT NULL,
  purpose         TEXT   NOT NULL,
  case_reference  TEXT   NOT NULL,
  trace_id        TEXT   NOT NULL,
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, incident, incident_annex, annex_access),
  FOREIGN KEY (plan, incident, incident_annex) REFERENCES incident_annexes
);

-- Kept with every report, so that nobody counts rows and the counts outlast the incidents.
CREATE TABLE incident_tallies (
  plan                     TEXT   NOT NULL,
  incident_tally           TEXT   NOT NULL CHECK (length(incident_tally) BETWEEN 1 AND 63),
  month                    TEXT   NOT NULL CHECK (length(month) = 7),
  kind                     BIGINT NOT NULL,
  department               TEXT,
  department_organisation  TEXT,
  count                    BIGINT NOT NULL CHECK (count >= 0),
  revision                 BIGINT NOT NULL,
  create_time              BIGINT NOT NULL,
  update_time              BIGINT NOT NULL,
  PRIMARY KEY (plan, incident_tally)
);
CREATE INDEX incident_tallies_by_month ON incident_tallies (plan, month, incident_tally);
