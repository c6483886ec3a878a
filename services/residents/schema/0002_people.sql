-- People. Every key begins with the person, and no constraint leads from one person to another or to the housing register; what
-- is looked up otherwise has a table of its own, keyed by that.
--
-- Enums are stored by their numbers in the contract.

-- A person who has been erased is not here: see erasures.
CREATE TABLE residents (
  resident                       TEXT   NOT NULL CHECK (length(resident) = 36),
  given_name                     TEXT   NOT NULL CHECK (length(given_name) BETWEEN 1 AND 100),
  family_name                    TEXT   NOT NULL CHECK (length(family_name) <= 100),
  preferred_name                 TEXT   CHECK (length(preferred_name) BETWEEN 1 AND 100),
  birth_date                     TEXT   NOT NULL CHECK (length(birth_date) = 10),
  cpr_number_masked              TEXT   CHECK (length(cpr_number_masked) = 11 AND substr(cpr_number_masked, 7) = '-****'),
  -- A protected person is in no list: WHERE NOT (address_protection_start_date <= today AND address_protection_end_date > today).
  address_protection_start_date  TEXT   CHECK (length(address_protection_start_date) = 10),
  address_protection_end_date    TEXT   CHECK (length(address_protection_end_date) = 10
                                               AND address_protection_end_date > address_protection_start_date),
  responsibility_controller      TEXT   NOT NULL CHECK (length(responsibility_controller) BETWEEN 1 AND 100),
  responsibility_processor       TEXT   CHECK (length(responsibility_processor) BETWEEN 1 AND 100),
  -- The end of the last membership, or the day of entry of one who never had any; NULL while a membership has no end.
  moved_out_date                 TEXT   CHECK (length(moved_out_date) = 10),
  revision                       BIGINT NOT NULL,
  create_time                    BIGINT NOT NULL,
  update_time                    BIGINT NOT NULL,
  PRIMARY KEY (resident),
  CHECK ((address_protection_start_date IS NULL) = (address_protection_end_date IS NULL))
);
CREATE INDEX residents_moved_out ON residents (responsibility_controller, moved_out_date, resident) WHERE moved_out_date IS NOT NULL;
CREATE INDEX residents_moved_out_anywhere ON residents (moved_out_date, resident) WHERE moved_out_date IS NOT NULL;

CREATE TABLE resident_languages (
  resident  TEXT   NOT NULL,
  position  BIGINT NOT NULL CHECK (position >= 0),
  language  TEXT   NOT NULL CHECK (length(language) BETWEEN 2 AND 35),
  PRIMARY KEY (resident, position),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);

CREATE TABLE resident_contact_points (
  resident  TEXT   NOT NULL,
  position  BIGINT NOT NULL CHECK (position >= 0),
  kind      BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 3),
  value     TEXT   NOT NULL CHECK (length(value) BETWEEN 3 AND 254),
  PRIMARY KEY (resident, position),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);

-- Sealed with a key of the ring; `key_id` says which, so that the job that rotates finds what is left to do.
CREATE TABLE resident_cpr_numbers (
  resident  TEXT  NOT NULL,
  key_id    TEXT  NOT NULL CHECK (length(key_id) BETWEEN 1 AND 63),
  sealed    BYTEA NOT NULL,
  PRIMARY KEY (resident),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);
CREATE INDEX resident_cpr_numbers_by_key ON resident_cpr_numbers (key_id, resident);

-- Which person has a number, by its keyed hash: the number itself can neither be read nor tried out without the key.
CREATE TABLE cpr_lookups (
  fingerprint  BYTEA NOT NULL,
  key_id       TEXT  NOT NULL CHECK (length(key_id) BETWEEN 1 AND 63),
  resident     TEXT  NOT NULL,
  PRIMARY KEY (fingerprint)
);
CREATE INDEX cpr_lookups_by_resident ON cpr_lookups (resident);

-- Who is a member of which household, when. The household is in another distribution: no foreign key leads there.
CREATE TABLE household_members (
  resident                TEXT   NOT NULL,
  membership              TEXT   NOT NULL CHECK (length(membership) BETWEEN 1 AND 63),
  household_organisation  TEXT   NOT NULL,
  household               TEXT   NOT NULL,
  kind                    BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 2),
  period_start_date       TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date         TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision                BIGINT NOT NULL,
  create_time             BIGINT NOT NULL,
  update_time             BIGINT NOT NULL,
  PRIMARY KEY (resident, membership),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);
CREATE INDEX household_members_by_household
  ON household_members (household_organisation, household, resident, period_start_date, period_end_date, kind);

-- Whoever is, was or will be a member in an organisation, by what people are searched for. Names are folded to lower case.
CREATE TABLE resident_search (
  organisation     TEXT NOT NULL,
  resident         TEXT NOT NULL,
  family_name_key  TEXT NOT NULL,
  given_name_key   TEXT NOT NULL,
  birth_date       TEXT NOT NULL,
  PRIMARY KEY (organisation, resident)
);
CREATE INDEX resident_search_by_family_name ON resident_search (organisation, family_name_key, given_name_key, resident);
CREATE INDEX resident_search_by_given_name ON resident_search (organisation, given_name_key, resident);
CREATE INDEX resident_search_by_birth_date ON resident_search (organisation, birth_date, resident);
CREATE INDEX resident_search_by_resident ON resident_search (resident);

CREATE TABLE guardianships (
  resident           TEXT   NOT NULL,
  guardianship       TEXT   NOT NULL CHECK (length(guardianship) BETWEEN 1 AND 63),
  guardian           TEXT   NOT NULL CHECK (guardian <> resident),
  kind               BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 2),
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (resident, guardianship),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);
CREATE INDEX guardianships_by_guardian ON guardianships (guardian, resident, guardianship);

CREATE TABLE protected_accesses (
  resident          TEXT   NOT NULL,
  protected_access  TEXT   NOT NULL CHECK (length(protected_access) BETWEEN 1 AND 63),
  subject           TEXT   NOT NULL,
  justification     TEXT   NOT NULL CHECK (length(justification) BETWEEN 10 AND 1000),
  purpose           TEXT   NOT NULL,
  expire_time       BIGINT NOT NULL,
  revision          BIGINT NOT NULL,
  create_time       BIGINT NOT NULL,
  update_time       BIGINT NOT NULL,
  PRIMARY KEY (resident, protected_access),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);
CREATE INDEX protected_accesses_in_force ON protected_accesses (resident, subject, purpose, expire_time);

CREATE TABLE purposes (
  purpose            TEXT   NOT NULL CHECK (length(purpose) BETWEEN 1 AND 63),
  display_name       TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  display_name_sort  BYTEA  NOT NULL,
  description        TEXT   CHECK (length(description) BETWEEN 1 AND 2000),
  legal_basis        BIGINT NOT NULL CHECK (legal_basis BETWEEN 1 AND 5),
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  fields             TEXT   CHECK (length(fields) BETWEEN 1 AND 500),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (purpose)
);
CREATE INDEX purposes_by_display_name ON purposes (display_name_sort, purpose);

-- What holds for a purpose from a day on; the day is the rule's name.
CREATE TABLE purpose_rules (
  purpose                     TEXT    NOT NULL,
  rule                        TEXT    NOT NULL CHECK (length(rule) = 10),
  own_consent_age_years       BIGINT  NOT NULL CHECK (own_consent_age_years BETWEEN 1 AND 18),
  consent_months              BIGINT  NOT NULL CHECK (consent_months BETWEEN 0 AND 1200),
  written_consent_required    BOOLEAN NOT NULL,
  protected_access_hours_max  BIGINT  NOT NULL CHECK (protected_access_hours_max BETWEEN 0 AND 8760),
  revision                    BIGINT  NOT NULL,
  create_time                 BIGINT  NOT NULL,
  update_time                 BIGINT  NOT NULL,
  PRIMARY KEY (purpose, rule),
  FOREIGN KEY (purpose) REFERENCES purposes
);

CREATE TABLE consent_texts (
  purpose       TEXT   NOT NULL,
  consent_text  TEXT   NOT NULL CHECK (length(consent_text) BETWEEN 1 AND 63),
  version       BIGINT NOT NULL CHECK (version > 0),
  language      TEXT   NOT NULL CHECK (length(language) BETWEEN 2 AND 35),
  body          TEXT   NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (purpose, consent_text),
  FOREIGN KEY (purpose) REFERENCES purposes
);
CREATE UNIQUE INDEX consent_texts_by_version ON consent_texts (purpose, version, language);

CREATE TABLE consents (
  resident                   TEXT   NOT NULL,
  consent                    TEXT   NOT NULL CHECK (length(consent) BETWEEN 1 AND 63),
  purpose                    TEXT   NOT NULL,
  state                      BIGINT NOT NULL CHECK (state BETWEEN 1 AND 5),
  consent_text               TEXT   NOT NULL,
  consent_text_purpose       TEXT   NOT NULL CHECK (consent_text_purpose = purpose),
  form                       BIGINT NOT NULL CHECK (form BETWEEN 0 AND 2),
  giver                      TEXT,
  give_date                  TEXT   CHECK (length(give_date) = 10),
  expire_date                TEXT   CHECK (length(expire_date) = 10 AND expire_date > give_date),
  end_date                   TEXT   CHECK (length(end_date) = 10 AND (give_date IS NULL OR end_date >= give_date)),
  responsibility_controller  TEXT   NOT NULL,
  responsibility_processor   TEXT,
  revision                   BIGINT NOT NULL,
  create_time                BIGINT NOT NULL,
  update_time                BIGINT NOT NULL,
  PRIMARY KEY (resident, consent),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE,
  CHECK ((state = 1) = (form = 0 AND end_date IS NULL) OR state = 3),
  CHECK ((form = 0) = (giver IS NULL) AND (form = 0) = (give_date IS NULL)),
  CHECK ((state IN (1, 2)) = (end_date IS NULL))
);
CREATE UNIQUE INDEX consents_requested ON consents (resident, purpose) WHERE state = 1;
CREATE UNIQUE INDEX consents_given ON consents (resident, purpose) WHERE state = 2;
CREATE INDEX consents_by_purpose ON consents (resident, purpose, consent);
CREATE INDEX consents_to_expire ON consents (expire_date, resident, consent) WHERE state = 2 AND expire_date IS NOT NULL;
CREATE INDEX consents_ended ON consents (responsibility_controller, end_date, resident, consent) WHERE end_date IS NOT NULL;
CREATE INDEX consents_ended_anywhere ON consents (end_date, resident, consent) WHERE end_date IS NOT NULL;

-- Who saw whom. Rows are only ever added, and stay when the person is erased: they hold the name of the resource and no data.
CREATE TABLE access_log (
  resident          TEXT   NOT NULL,
  access_log_entry  TEXT   NOT NULL CHECK (length(access_log_entry) = 36),
  subject           TEXT   NOT NULL,
  kind              BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 4),
  method            TEXT   NOT NULL,
  purpose           TEXT   NOT NULL,
  case_reference    TEXT,
  fields            TEXT   NOT NULL,
  trace_id          TEXT   NOT NULL,
  revision          BIGINT NOT NULL CHECK (revision = 1),
  create_time       BIGINT NOT NULL,
  PRIMARY KEY (resident, access_log_entry)
);

CREATE TABLE erasure_holds (
  resident           TEXT   NOT NULL,
  erasure_hold       TEXT   NOT NULL CHECK (length(erasure_hold) BETWEEN 1 AND 63),
  justification      TEXT   NOT NULL CHECK (length(justification) BETWEEN 1 AND 1000),
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (resident, erasure_hold),
  FOREIGN KEY (resident) REFERENCES residents ON DELETE CASCADE
);

-- What was asked to be erased, and what is left of it: no personal data.
CREATE TABLE erasures (
  resident                   TEXT   NOT NULL,
  erasure                    TEXT   NOT NULL CHECK (length(erasure) BETWEEN 1 AND 63),
  state                      BIGINT NOT NULL CHECK (state BETWEEN 1 AND 4),
  ground                     BIGINT NOT NULL CHECK (ground BETWEEN 1 AND 3),
  retention_policy           TEXT,
  subject                    TEXT   NOT NULL,
  responsibility_controller  TEXT   NOT NULL,
  responsibility_processor   TEXT,
  archive_receipt            TEXT,
  erase_time                 BIGINT,
  revision                   BIGINT NOT NULL,
  create_time                BIGINT NOT NULL,
  update_time                BIGINT NOT NULL,
  PRIMARY KEY (resident, erasure),
  CHECK ((state IN (3, 4)) = (erase_time IS NOT NULL))
);
CREATE UNIQUE INDEX erasures_by_resident ON erasures (resident);
CREATE INDEX erasures_waiting ON erasures (state, resident) WHERE state <> 4;

CREATE TABLE erasure_receipts (
  resident      TEXT   NOT NULL,
  erasure       TEXT   NOT NULL,
  service       TEXT   NOT NULL CHECK (length(service) BETWEEN 1 AND 63),
  outcome       BIGINT NOT NULL CHECK (outcome BETWEEN 1 AND 3),
  record_count  BIGINT NOT NULL CHECK (record_count >= 0),
  receipt_time  BIGINT NOT NULL,
  PRIMARY KEY (resident, erasure, service),
  FOREIGN KEY (resident, erasure) REFERENCES erasures
);

CREATE TABLE erasure_recipients (
  erasure_recipient  TEXT   NOT NULL CHECK (length(erasure_recipient) BETWEEN 1 AND 63),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (erasure_recipient)
);

CREATE TABLE retention_policies (
  retention_policy   TEXT   NOT NULL CHECK (length(retention_policy) BETWEEN 1 AND 63),
  subject            BIGINT NOT NULL CHECK (subject BETWEEN 1 AND 2),
  months             BIGINT NOT NULL CHECK (months BETWEEN 0 AND 1200),
  source             TEXT   NOT NULL CHECK (length(source) BETWEEN 1 AND 500),
  controller         TEXT   CHECK (length(controller) BETWEEN 1 AND 100),
  period_start_date  TEXT   NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date    TEXT   CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  revision           BIGINT NOT NULL,
  create_time        BIGINT NOT NULL,
  update_time        BIGINT NOT NULL,
  PRIMARY KEY (retention_policy)
);

CREATE TABLE retention_runs (
  retention_run           TEXT    NOT NULL CHECK (length(retention_run) = 36),
  run_date                TEXT    NOT NULL CHECK (length(run_date) = 10),
  due_count               BIGINT  NOT NULL,
  erased_count            BIGINT  NOT NULL,
  held_count              BIGINT  NOT NULL,
  archive_pending_count   BIGINT  NOT NULL,
  consents_removed_count  BIGINT  NOT NULL,
  consents_expired_count  BIGINT  NOT NULL,
  unfinished              BOOLEAN NOT NULL,
  revision                BIGINT  NOT NULL,
  create_time             BIGINT  NOT NULL,
  update_time             BIGINT  NOT NULL,
  PRIMARY KEY (retention_run)
);
