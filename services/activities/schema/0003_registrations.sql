-- Who takes part, as references.

-- state: 1 awaiting a guardian's consent, 2 confirmed, 3 waitlisted, 4 offered, 5 expired, 6 cancelled, 7 attended, 8 no-show.
CREATE TABLE registrations (
  plan               TEXT   NOT NULL,
  activity           TEXT   NOT NULL,
  registration       TEXT   NOT NULL CHECK (length(registration) BETWEEN 1 AND 63),
  resident           TEXT,
  state              BIGINT NOT NULL CHECK (state BETWEEN 1 AND 8),
  queue_number       BIGINT NOT NULL,
  offer_expire_time  BIGINT CHECK ((offer_expire_time IS NOT NULL) OR state <> 4),
  cancel_reason      TEXT   NOT NULL,
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (plan, activity, registration),
  FOREIGN KEY (plan, activity) REFERENCES activities
);
-- One person, one seat: of those that are neither expired nor cancelled.
CREATE UNIQUE INDEX registrations_once ON registrations (plan, activity, resident) WHERE resident IS NOT NULL AND state NOT IN (5, 6);
CREATE INDEX registrations_by_queue ON registrations (plan, activity, queue_number, registration) WHERE state = 3;
CREATE INDEX registrations_by_number ON registrations (plan, activity, queue_number, registration);
CREATE INDEX registrations_by_offer ON registrations (offer_expire_time) WHERE state = 4;
