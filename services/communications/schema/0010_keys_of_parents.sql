-- PostgreSQL plans the check of a foreign key once for a connection, and without statistics an index that begins as the parent's key does
-- looks as good to it as the key: the check of each delivery then read all recipients of its plan, and that of each recipient all
-- campaigns. A condition that every row meets, and such a check never names, keeps an index out of it ...
DROP INDEX campaign_recipients_once;
CREATE UNIQUE INDEX campaign_recipients_once ON campaign_recipients (plan, household_organisation, household, campaign) WHERE outcome > 0;
-- ... and a plan has so few campaigns that they are put in order after they are found.
DROP INDEX campaigns_by_create_time;
