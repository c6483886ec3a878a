-- Which plans cover a department: keyed by what is looked up, since two plans share no key. Written with covered_departments,
-- whose row says whether and when the department is covered.
CREATE TABLE plans_of_departments (
  covered_department  TEXT NOT NULL CHECK (length(covered_department) = 8),
  plan                TEXT NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  PRIMARY KEY (covered_department, plan)
);
INSERT INTO plans_of_departments (covered_department, plan) SELECT covered_department, plan FROM covered_departments;
