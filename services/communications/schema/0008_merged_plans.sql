-- Plans that became one, as funding says. Templates and works notices stay where they were and go on in the successor; an incident is
-- in one place, and moves.

ALTER TABLE templates ADD COLUMN successor_plan TEXT;
ALTER TABLE templates ADD COLUMN successor TEXT;
ALTER TABLE templates ADD COLUMN move_date TEXT CHECK (length(move_date) = 10);
ALTER TABLE templates ADD COLUMN predecessor_plan TEXT;
ALTER TABLE templates ADD COLUMN predecessor TEXT;

ALTER TABLE works_notices ADD COLUMN successor_plan TEXT;
ALTER TABLE works_notices ADD COLUMN successor TEXT;
ALTER TABLE works_notices ADD COLUMN move_date TEXT CHECK (length(move_date) = 10);
ALTER TABLE works_notices ADD COLUMN predecessor_plan TEXT;
ALTER TABLE works_notices ADD COLUMN predecessor TEXT;

CREATE TABLE moved_plans (
  plan       TEXT NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  successor  TEXT NOT NULL CHECK (successor <> plan),
  merge      TEXT NOT NULL,
  move_date  TEXT NOT NULL CHECK (length(move_date) = 10),
  PRIMARY KEY (plan)
);

-- Where an incident is that had this name, and by which contingency plan of that plan's it was coordinated.
CREATE TABLE moved_incidents (
  plan              TEXT NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  incident          TEXT NOT NULL CHECK (length(incident) BETWEEN 1 AND 63),
  successor_plan    TEXT NOT NULL CHECK (successor_plan <> plan),
  successor         TEXT NOT NULL,
  contingency_plan  TEXT,
  PRIMARY KEY (plan, incident)
);

-- What goes on as what, so that it can go back. kind: 1 template, 2 construction project, 3 works notice, 4 incident, 5 campaign that
-- stands still. An empty id: it ends with its plan. was_running: of campaigns.
CREATE TABLE merge_carries (
  plan         TEXT    NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  merge        TEXT    NOT NULL,
  kind         BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 5),
  from_plan    TEXT    NOT NULL,
  from_id      TEXT    NOT NULL,
  id           TEXT    NOT NULL,
  was_running  BOOLEAN NOT NULL DEFAULT FALSE,
  PRIMARY KEY (plan, merge, kind, from_plan, from_id)
);
