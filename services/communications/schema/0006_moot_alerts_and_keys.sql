-- An alert that nobody has to answer any more is not one that somebody answered; and keys of annexes change.

-- state: 1 waiting, 2 acknowledged, 3 escalated, 4 exhausted, 5 moot. Made anew, since SQLite cannot change a CHECK.
CREATE TABLE incident_alerts_of_five_states (
  plan            TEXT   NOT NULL,
  incident        TEXT   NOT NULL,
  incident_alert  TEXT   NOT NULL CHECK (length(incident_alert) BETWEEN 1 AND 63),
  role            TEXT   NOT NULL,
  task            TEXT,
  subject         TEXT   NOT NULL,
  position        BIGINT NOT NULL CHECK (position > 0),
  state           BIGINT NOT NULL CHECK (state BETWEEN 1 AND 5),
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
INSERT INTO incident_alerts_of_five_states (plan, incident, incident_alert, role, task, subject, position, state, due_time,
                                            settle_time, escalated_to, next_holders, revision, create_time, update_time)
  SELECT plan, incident, incident_alert, role, task, subject, position, state, due_time, settle_time, escalated_to, next_holders,
         revision, create_time, update_time
  FROM incident_alerts;
DROP TABLE incident_alerts;
ALTER TABLE incident_alerts_of_five_states RENAME TO incident_alerts;
CREATE INDEX incident_alerts_due ON incident_alerts (due_time, plan, incident, incident_alert) WHERE state = 1;
CREATE INDEX incident_alerts_by_task ON incident_alerts (plan, incident, task, incident_alert) WHERE task IS NOT NULL;

-- What another key than the active one sealed.
CREATE INDEX incident_annexes_by_key ON incident_annexes (key_id, plan, incident, incident_annex) WHERE key_id IS NOT NULL;

-- The latest of each is the end of an index.
CREATE INDEX works_households_by_delivery ON works_households (plan, works_notice, delivery_date) WHERE state = 2;
CREATE INDEX works_households_too_early ON works_households (plan, works_notice, earliest_start_date)
  WHERE earliest_start_date > period_start_date;
