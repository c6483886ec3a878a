-- The merge that had taken a department in and was undone: unlike one that the board has left out, it may be taken in again.
ALTER TABLE covered_departments ADD COLUMN exclude_merge_plan TEXT;
ALTER TABLE covered_departments ADD COLUMN exclude_merge TEXT;
