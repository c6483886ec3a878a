-- The end of the time that the plan's own budget is for, once an extension has moved that of the plan (M9): the end that it had before
-- the first one. In the plan's row, because whoever books money holds that row and no other of the plan.
ALTER TABLE plans ADD COLUMN own_end_date TEXT CHECK (length(own_end_date) = 10);
UPDATE plans SET own_end_date = (SELECT MIN(e.former_end_date) FROM extensions e WHERE e.plan = plans.plan AND e.state = 2);
