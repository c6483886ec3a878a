-- Without the campaign as its last part, this index does not look as good for finding a campaign as the key does: a planner without
-- statistics took it, and read all campaigns of the plan for each recipient that refers to one. Campaigns of one microsecond are put in
-- order after they are found.
DROP INDEX campaigns_by_create_time;
CREATE INDEX campaigns_by_create_time ON campaigns (plan, create_time);
