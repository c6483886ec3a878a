-- Nothing booked is ever changed or removed, and nothing is booked in a closed period (M5). A distributed store (Citus) has to be
-- told to allow triggers on its shards: these read nothing outside the plan of their row.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'this is never changed and never removed' USING ERRCODE = 'check_violation', CONSTRAINT = TG_ARGV[0];
END
$$;
CREATE TRIGGER journal_entries_append_only BEFORE UPDATE OR DELETE ON journal_entries
  FOR EACH ROW EXECUTE FUNCTION refuse('journal_entries_append_only');
CREATE TRIGGER postings_append_only BEFORE UPDATE OR DELETE ON postings
  FOR EACH ROW EXECUTE FUNCTION refuse('postings_append_only');
CREATE TRIGGER periods_stay_closed BEFORE UPDATE ON periods
  FOR EACH ROW WHEN (OLD.state = 3) EXECUTE FUNCTION refuse('periods_stay_closed');
CREATE TRIGGER periods_never_deleted BEFORE DELETE ON periods
  FOR EACH ROW EXECUTE FUNCTION refuse('periods_stay_closed');

CREATE FUNCTION refuse_in_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT state FROM periods WHERE plan = NEW.plan AND period = NEW.period) = 3 THEN
    RAISE EXCEPTION 'the period is closed' USING ERRCODE = 'check_violation', CONSTRAINT = 'journal_entries_in_open_periods';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER journal_entries_in_open_periods BEFORE INSERT ON journal_entries
  FOR EACH ROW EXECUTE FUNCTION refuse_in_closed_period();
