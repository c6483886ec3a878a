-- Plans that became one, as funding says: what was a plan's until the day stays where it is, what comes is the successor's.

ALTER TABLE activities ADD COLUMN successor_plan TEXT;
ALTER TABLE activities ADD COLUMN successor TEXT;
ALTER TABLE activities ADD COLUMN move_date TEXT CHECK (length(move_date) = 10);
ALTER TABLE activities ADD COLUMN predecessor_plan TEXT;
ALTER TABLE activities ADD COLUMN predecessor TEXT;

-- Here, because this row is locked by whoever changes the activity: nobody goes on in an activity that has moved meanwhile.
ALTER TABLE activity_seats ADD COLUMN moved BOOLEAN NOT NULL DEFAULT FALSE;

CREATE TABLE moved_plans (
  plan       TEXT NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  successor  TEXT NOT NULL CHECK (successor <> plan),
  merge      TEXT NOT NULL,
  move_date  TEXT NOT NULL CHECK (length(move_date) = 10),
  PRIMARY KEY (plan)
);

-- What goes on as what, so that it can go back. kind: 1 room, 2 sub-goal, 3 volunteer, 4 activity. made: the row was made for it; a
-- volunteer may have been there. confirmed: the tally that an activity began with.
CREATE TABLE merge_carries (
  plan       TEXT    NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  merge      TEXT    NOT NULL,
  kind       BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 4),
  from_plan  TEXT    NOT NULL,
  from_id    TEXT    NOT NULL,
  id         TEXT    NOT NULL,
  made       BOOLEAN NOT NULL,
  confirmed  BIGINT  NOT NULL DEFAULT 0,
  PRIMARY KEY (plan, merge, kind, from_plan, from_id)
);
