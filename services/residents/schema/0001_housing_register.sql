-- The housing register. Every key begins with the organisation, and no constraint leaves it.
--
-- Dates are text, YYYY-MM-DD; periods include their start and end before their end.

CREATE TABLE organisations (
  organisation       TEXT   NOT NULL CHECK (length(organisation) = 4 AND ltrim(organisation, '0123456789') = ''),
  display_name       TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  display_name_sort  BYTEA  NOT NULL,
  cvr_number         TEXT   CHECK (length(cvr_number) = 8 AND ltrim(cvr_number, '0123456789') = ''),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (organisation)
);
CREATE INDEX organisations_by_display_name ON organisations (display_name_sort, organisation);
CREATE INDEX organisations_by_cvr_number ON organisations (cvr_number, organisation);

-- Who administers for whom. The administrator is another organisation, so no foreign key leads there.
CREATE TABLE administrations (
  organisation       TEXT   NOT NULL,
  administration     TEXT   NOT NULL CHECK (length(administration) BETWEEN 1 AND 63),
  administrator      TEXT   NOT NULL CHECK (administrator <> organisation),
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (organisation, administration),
  FOREIGN KEY (organisation) REFERENCES organisations
);
CREATE UNIQUE INDEX administrations_open_ended ON administrations (organisation) WHERE period_end_date IS NULL;
CREATE UNIQUE INDEX administrations_by_start ON administrations (organisation, period_start_date);

CREATE TABLE departments (
  organisation       TEXT   NOT NULL,
  department         TEXT   NOT NULL
                     CHECK (length(department) = 3 AND ltrim(department, '0123456789') = '' AND department <> '000'),
  display_name       TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  display_name_sort  BYTEA  NOT NULL,
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (organisation, department),
  FOREIGN KEY (organisation) REFERENCES organisations
);
CREATE INDEX departments_by_display_name ON departments (organisation, display_name_sort, department);

-- A department becomes part of another once at most.
CREATE TABLE department_mergers (
  organisation  TEXT   NOT NULL,
  department    TEXT   NOT NULL,
  successor     TEXT   NOT NULL CHECK (successor <> department),
  merge_date    TEXT   NOT NULL CHECK (length(merge_date) = 10),
  PRIMARY KEY (organisation, department),
  FOREIGN KEY (organisation, department) REFERENCES departments,
  FOREIGN KEY (organisation, successor) REFERENCES departments
);
CREATE INDEX department_mergers_by_successor ON department_mergers (organisation, successor, department);

CREATE TABLE dwellings (
  organisation        TEXT   NOT NULL,
  dwelling            TEXT   NOT NULL CHECK (length(dwelling) BETWEEN 1 AND 63),
  address             TEXT   NOT NULL CHECK (length(address) BETWEEN 1 AND 300),
  address_sort        BYTEA  NOT NULL,
  address_uuid        TEXT   CHECK (length(address_uuid) = 36),
  kvhx_key            TEXT   NOT NULL CHECK (length(kvhx_key) IN (0, 19)),  -- empty, not NULL, so that it sorts alike everywhere
  floor               TEXT   CHECK (length(floor) BETWEEN 1 AND 2),
  door                TEXT   CHECK (length(door) BETWEEN 1 AND 4),
  building_section    TEXT   CHECK (length(building_section) BETWEEN 1 AND 50),
  area_square_metres  BIGINT NOT NULL CHECK (area_square_metres BETWEEN 0 AND 10000),
  period_start_date   TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date     TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision            BIGINT NOT NULL,
  create_time         BIGINT NOT NULL,
  update_time         BIGINT NOT NULL,
  PRIMARY KEY (organisation, dwelling),
  FOREIGN KEY (organisation) REFERENCES organisations
);
CREATE UNIQUE INDEX dwellings_by_address_uuid ON dwellings (organisation, address_uuid);
CREATE INDEX dwellings_by_address ON dwellings (organisation, address_sort, dwelling);
CREATE INDEX dwellings_by_kvhx_key ON dwellings (organisation, kvhx_key, dwelling);
CREATE INDEX dwellings_by_area ON dwellings (organisation, area_square_metres, dwelling);

-- Which department a dwelling belongs to during which period: from the start of the dwelling's period on, without gap or overlap.
-- It follows from the department that the dwelling was entered in (`entered_in`) and the mergers; it is stored so that the
-- dwellings of a department on a date are found by an index, however many mergers there were.
CREATE TABLE dwelling_departments (
  organisation  TEXT NOT NULL,
  dwelling      TEXT NOT NULL,
  start_date    TEXT NOT NULL CHECK (length(start_date) = 10),
  end_date      TEXT CHECK (length(end_date) = 10 AND end_date > start_date),
  department    TEXT NOT NULL,
  entered_in    TEXT NOT NULL,
  PRIMARY KEY (organisation, dwelling, start_date),
  FOREIGN KEY (organisation, dwelling) REFERENCES dwellings,
  FOREIGN KEY (organisation, department) REFERENCES departments
);
CREATE INDEX dwelling_departments_by_department ON dwelling_departments (organisation, department, dwelling, start_date, end_date);

CREATE TABLE households (
  organisation           TEXT   NOT NULL,
  household              TEXT   NOT NULL CHECK (length(household) BETWEEN 1 AND 63),
  dwelling               TEXT   NOT NULL,
  occupation_start_date  TEXT   NOT NULL CHECK (length(occupation_start_date) = 10),
  occupation_end_date    TEXT   CHECK (length(occupation_end_date) = 10 AND occupation_end_date > occupation_start_date),
  revision               BIGINT NOT NULL,
  create_time            BIGINT NOT NULL,
  update_time            BIGINT NOT NULL,
  PRIMARY KEY (organisation, household),
  FOREIGN KEY (organisation, dwelling) REFERENCES dwellings
);
CREATE UNIQUE INDEX households_by_dwelling ON households (organisation, dwelling, occupation_start_date);
CREATE UNIQUE INDEX households_open_ended ON households (organisation, dwelling) WHERE occupation_end_date IS NULL;
