-- Who helps without pay, and whether with children.

CREATE TABLE volunteers (
  plan           TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  volunteer      TEXT   NOT NULL CHECK (length(volunteer) BETWEEN 1 AND 63),
  resident       TEXT   NOT NULL,
  tasks          TEXT   NOT NULL,
  start_date     TEXT   NOT NULL CHECK (length(start_date) = 10),
  end_date       TEXT   CHECK (length(end_date) = 10 AND end_date > start_date),
  leave_date     TEXT   CHECK (length(leave_date) = 10),
  minutes_total  BIGINT NOT NULL CHECK (minutes_total >= 0),
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (plan, volunteer)
);
CREATE UNIQUE INDEX volunteers_once ON volunteers (plan, resident) WHERE leave_date IS NULL;

-- state: 1 none, 2 consent given, 3 requested, 4 cleared, 6 not cleared, 7 left; 5, renewal due, follows from the date. A clearance that
-- is being renewed goes on holding until its date. The certificate is never kept.
CREATE TABLE clearances (
  plan             TEXT   NOT NULL,
  clearance        TEXT   NOT NULL,
  state            BIGINT NOT NULL CHECK (state IN (1, 2, 3, 4, 6, 7)),
  consent_date     TEXT   CHECK (length(consent_date) = 10),
  clearance_order  TEXT,
  decide_date      TEXT   CHECK (length(decide_date) = 10),
  expire_date      TEXT   CHECK (expire_date IS NULL OR length(expire_date) = 10 AND expire_date > decide_date AND state NOT IN (6, 7)),
  decider          TEXT   NOT NULL,
  revision         BIGINT NOT NULL,
  create_time      BIGINT NOT NULL,
  update_time      BIGINT NOT NULL,
  PRIMARY KEY (plan, clearance),
  FOREIGN KEY (plan, clearance) REFERENCES volunteers
);
CREATE INDEX clearances_by_expiry ON clearances (plan, expire_date, clearance);

CREATE TABLE clearance_orders (
  plan             TEXT   NOT NULL,
  clearance_order  TEXT   NOT NULL CHECK (length(clearance_order) BETWEEN 1 AND 63),
  order_date       TEXT   NOT NULL CHECK (length(order_date) = 10),
  revision         BIGINT NOT NULL,
  create_time      BIGINT NOT NULL,
  update_time      BIGINT NOT NULL,
  PRIMARY KEY (plan, clearance_order)
);

CREATE TABLE clearance_order_volunteers (
  plan             TEXT   NOT NULL,
  clearance_order  TEXT   NOT NULL,
  position         BIGINT NOT NULL,
  volunteer        TEXT   NOT NULL,
  PRIMARY KEY (plan, clearance_order, position),
  FOREIGN KEY (plan, clearance_order) REFERENCES clearance_orders,
  FOREIGN KEY (plan, volunteer) REFERENCES volunteers
);

CREATE TABLE volunteer_hours (
  plan         TEXT   NOT NULL,
  volunteer    TEXT   NOT NULL,
  hours        TEXT   NOT NULL CHECK (length(hours) BETWEEN 1 AND 63),
  date         TEXT   NOT NULL CHECK (length(date) = 10),
  minutes      BIGINT NOT NULL CHECK (minutes BETWEEN 1 AND 1440),
  activity     TEXT,
  revision     BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (plan, volunteer, hours),
  FOREIGN KEY (plan, volunteer) REFERENCES volunteers,
  FOREIGN KEY (plan, activity) REFERENCES activities
);
CREATE INDEX volunteer_hours_by_date ON volunteer_hours (plan, volunteer, date, hours);

-- The last part of the key is the volunteer.
CREATE TABLE assignments (
  plan         TEXT   NOT NULL,
  activity     TEXT   NOT NULL,
  session      TEXT   NOT NULL,
  assignment   TEXT   NOT NULL,
  revision     BIGINT NOT NULL,
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, session, assignment),
  FOREIGN KEY (plan, activity, session) REFERENCES sessions,
  FOREIGN KEY (plan, assignment) REFERENCES volunteers
);
CREATE INDEX assignments_by_volunteer ON assignments (plan, assignment, activity, session);
