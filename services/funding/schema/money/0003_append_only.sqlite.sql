-- Nothing booked is ever changed or removed, and nothing is booked in a closed period (M5).
CREATE TRIGGER journal_entries_never_updated BEFORE UPDATE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: journal_entries_append_only'); END;
CREATE TRIGGER journal_entries_never_deleted BEFORE DELETE ON journal_entries
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: journal_entries_append_only'); END;
CREATE TRIGGER postings_never_updated BEFORE UPDATE ON postings
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: postings_append_only'); END;
CREATE TRIGGER postings_never_deleted BEFORE DELETE ON postings
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: postings_append_only'); END;
CREATE TRIGGER journal_entries_in_open_periods BEFORE INSERT ON journal_entries
WHEN (SELECT state FROM periods WHERE plan = NEW.plan AND period = NEW.period) = 3
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: journal_entries_in_open_periods'); END;
CREATE TRIGGER periods_stay_closed BEFORE UPDATE ON periods WHEN OLD.state = 3
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: periods_stay_closed'); END;
CREATE TRIGGER periods_never_deleted BEFORE DELETE ON periods
BEGIN SELECT RAISE(ABORT, 'CHECK constraint failed: periods_stay_closed'); END;
