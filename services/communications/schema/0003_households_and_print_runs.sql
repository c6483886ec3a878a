-- How a household wants to be told, as it said itself. The key is the household's own.
CREATE TABLE household_contacts (
  organisation       TEXT    NOT NULL CHECK (length(organisation) = 4),
  household_contact  TEXT    NOT NULL CHECK (length(household_contact) BETWEEN 1 AND 63),
  email              TEXT,
  language           TEXT    NOT NULL,
  -- Whether it declined each kind of message that no law asks for: a bit for each, by the number of the kind.
  declined           BIGINT  NOT NULL DEFAULT 0,
  revision           BIGINT  NOT NULL,
  create_time        BIGINT  NOT NULL,
  update_time        BIGINT  NOT NULL,
  PRIMARY KEY (organisation, household_contact)
);

-- state: 1 made, 2 confirmed by the distributor.
CREATE TABLE print_runs (
  plan             TEXT   NOT NULL,
  campaign         TEXT   NOT NULL,
  print_run        TEXT   NOT NULL CHECK (length(print_run) BETWEEN 1 AND 63),
  state            BIGINT NOT NULL CHECK (state BETWEEN 1 AND 2),
  letter_count     BIGINT NOT NULL CHECK (letter_count > 0),
  delivered_count  BIGINT NOT NULL CHECK (delivered_count >= 0),
  exception_count  BIGINT NOT NULL CHECK (exception_count >= 0),
  deliver_time     BIGINT CHECK ((deliver_time IS NOT NULL) = (state = 2)),
  distributor      TEXT   NOT NULL,
  -- Lines.
  sender           TEXT   NOT NULL DEFAULT '',
  revision         BIGINT NOT NULL,
  create_time      BIGINT NOT NULL,
  update_time      BIGINT NOT NULL,
  PRIMARY KEY (plan, campaign, print_run),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns,
  CHECK (state = 1 OR letter_count = delivered_count + exception_count)
);
