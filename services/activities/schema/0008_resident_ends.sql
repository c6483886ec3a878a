-- What the register of residents ends: people who are erased, and consents that hold no more. And indicators of plans that become
-- one.

CREATE INDEX registrations_by_resident ON registrations (resident, plan, activity, registration) WHERE resident IS NOT NULL;
CREATE INDEX volunteers_by_resident ON volunteers (resident, plan, volunteer);
CREATE INDEX proposals_by_resident ON proposals (resident, plan, proposal) WHERE resident IS NOT NULL;
CREATE INDEX activity_rules_by_purpose ON activity_rules (purpose);

-- Erasures that have been carried out here, and what the register is to be told. The row stays: what comes twice is done once.
-- next_time: when it is looked at again, NULL once nothing can come any more.
CREATE TABLE erasures (
  resident      TEXT    NOT NULL CHECK (length(resident) BETWEEN 1 AND 63),
  erasure       TEXT    NOT NULL CHECK (length(erasure) BETWEEN 1 AND 63),
  record_count  BIGINT  NOT NULL CHECK (record_count >= 0),
  answered      BOOLEAN NOT NULL,
  next_time     BIGINT,
  PRIMARY KEY (resident, erasure)
);
CREATE INDEX erasures_by_time ON erasures (next_time, resident, erasure) WHERE next_time IS NOT NULL;

-- Consents that have ended, until what rests on them is looked at for the last time.
CREATE TABLE ended_consents (
  resident    TEXT    NOT NULL CHECK (length(resident) BETWEEN 1 AND 63),
  consent     TEXT    NOT NULL CHECK (length(consent) BETWEEN 1 AND 63),
  purpose     TEXT    NOT NULL,
  checked     BOOLEAN NOT NULL,
  check_time  BIGINT  NOT NULL,
  PRIMARY KEY (resident, consent)
);
CREATE INDEX ended_consents_by_time ON ended_consents (check_time, resident, consent);

-- What was counted before its plan went on in another, in what stayed behind.
ALTER TABLE indicators ADD COLUMN carried_value BIGINT NOT NULL DEFAULT 0;

-- kind: also 5, indicator.
ALTER TABLE merge_carries RENAME TO merge_carries_of_four_kinds;
CREATE TABLE merge_carries (
  plan       TEXT    NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  merge      TEXT    NOT NULL,
  kind       BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 5),
  from_plan  TEXT    NOT NULL,
  from_id    TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  made       BOOLEAN NOT NULL,
  confirmed  BIGINT  NOT NULL DEFAULT 0,
  PRIMARY KEY (plan, merge, kind, from_plan, from_id)
);
INSERT INTO merge_carries (plan, merge, kind, from_plan, from_id, id, made, confirmed)
  SELECT plan, merge, kind, from_plan, from_id, id, made, confirmed FROM merge_carries_of_four_kinds;
DROP TABLE merge_carries_of_four_kinds;
