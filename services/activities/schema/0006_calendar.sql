-- What the public calendar reads: a plan's sessions by time.
CREATE INDEX sessions_of_plan ON sessions (plan, start_time, activity, session);
