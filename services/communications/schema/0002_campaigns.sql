-- What is told to households, and what became of it at each.

-- state: 1 draft, 2 under way, 3 paused, 4 being cancelled, 5 cancelled, 6 completed. lane: 1 alert, 2 ordinary.
CREATE TABLE campaigns (
  plan                       TEXT    NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  campaign                   TEXT    NOT NULL CHECK (length(campaign) BETWEEN 1 AND 63),
  display_name               TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  kind                       BIGINT  NOT NULL CHECK (kind BETWEEN 1 AND 5),
  statutory                  BOOLEAN NOT NULL,
  lane                       BIGINT  NOT NULL CHECK (lane BETWEEN 1 AND 2),
  channel_choice             BIGINT  NOT NULL CHECK (channel_choice BETWEEN 1 AND 3),
  template_version_template  TEXT    NOT NULL,
  template_version           TEXT    NOT NULL,
  posting                    BOOLEAN NOT NULL,
  notice                     TEXT,
  corrects                   TEXT,
  state                      BIGINT  NOT NULL CHECK (state BETWEEN 1 AND 6),
  as_of_date                 TEXT    CHECK (length(as_of_date) = 10),
  start_time                 BIGINT  CHECK ((start_time IS NOT NULL) OR state IN (1, 5)),
  complete_time              BIGINT  CHECK ((complete_time IS NOT NULL) OR state <> 6),
  last_delivery_time         BIGINT,
  audience_digest            TEXT,
  revision                   BIGINT  NOT NULL,
  create_time                BIGINT  NOT NULL,
  update_time                BIGINT  NOT NULL,
  PRIMARY KEY (plan, campaign),
  FOREIGN KEY (plan, template_version_template, template_version) REFERENCES template_versions,
  FOREIGN KEY (plan, corrects) REFERENCES campaigns
);
CREATE INDEX campaigns_by_create_time ON campaigns (plan, create_time, campaign);

CREATE TABLE campaign_arguments (
  plan       TEXT   NOT NULL,
  campaign   TEXT   NOT NULL,
  position   BIGINT NOT NULL,
  parameter  TEXT   NOT NULL,
  value      TEXT   NOT NULL,
  PRIMARY KEY (plan, campaign, position),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns
);

CREATE TABLE campaign_languages (
  plan      TEXT   NOT NULL,
  campaign  TEXT   NOT NULL,
  position  BIGINT NOT NULL,
  language  TEXT   NOT NULL,
  PRIMARY KEY (plan, campaign, position),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns
);

CREATE TABLE campaign_audiences (
  plan          TEXT   NOT NULL,
  campaign      TEXT   NOT NULL,
  position      BIGINT NOT NULL,
  organisation  TEXT   NOT NULL,
  department    TEXT   NOT NULL,
  stairwell     TEXT   NOT NULL,
  dwelling      TEXT   NOT NULL,
  PRIMARY KEY (plan, campaign, position),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns
);

-- One row for each campaign that was started, which every change of a delivery keeps current: what is left is known without counting.
-- Households are accounted for all the time, each in exactly one column.
CREATE TABLE campaign_counts (
  plan           TEXT   NOT NULL,
  campaign       TEXT   NOT NULL,
  households     BIGINT NOT NULL CHECK (households > 0),
  waiting        BIGINT NOT NULL CHECK (waiting >= 0),
  reached        BIGINT NOT NULL CHECK (reached >= 0),
  unreached      BIGINT NOT NULL CHECK (unreached >= 0),
  opted_out      BIGINT NOT NULL CHECK (opted_out >= 0),
  cancelled      BIGINT NOT NULL CHECK (cancelled >= 0),
  presumed       BIGINT NOT NULL CHECK (presumed >= 0),
  queued         BIGINT NOT NULL CHECK (queued >= 0),
  accepted       BIGINT NOT NULL CHECK (accepted >= 0),
  PRIMARY KEY (plan, campaign),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns,
  CHECK (households = waiting + reached + unreached + opted_out + cancelled + presumed)
);

-- When there is something to do for a campaign by itself, if ever. Whoever takes one has it until `leased_until`, or until he gives it
-- back. An alert has a lane of its own.
CREATE TABLE campaign_work (
  plan          TEXT   NOT NULL,
  campaign      TEXT   NOT NULL,
  lane          BIGINT NOT NULL CHECK (lane BETWEEN 1 AND 2),
  due_time      BIGINT,
  leased_until  BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (plan, campaign),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns
);
CREATE INDEX campaign_work_by_due_time ON campaign_work (lane, due_time) WHERE due_time IS NOT NULL;

-- The households of a campaign as the register had them when it was started, numbered in the order of the distributor's route.
-- No name stands here: letters are to the residents of a dwelling. outcome: 1 waiting, 2 reached, 3 unreached, 4 opted out, 5 cancelled,
-- 6 presumed.
CREATE TABLE campaign_recipients (
  plan                     TEXT   NOT NULL,
  campaign                 TEXT   NOT NULL,
  recipient                TEXT   NOT NULL CHECK (length(recipient) = 6),
  household_organisation   TEXT   NOT NULL,
  household                TEXT   NOT NULL,
  dwelling_organisation    TEXT   NOT NULL,
  dwelling                 TEXT   NOT NULL,
  department_organisation  TEXT   NOT NULL,
  department               TEXT   NOT NULL,
  stairwell                TEXT   NOT NULL,
  address                  TEXT   NOT NULL,
  floor                    TEXT   NOT NULL,
  door                     TEXT   NOT NULL,
  outcome                  BIGINT NOT NULL CHECK (outcome BETWEEN 1 AND 6),
  revision                 BIGINT NOT NULL,
  create_time              BIGINT NOT NULL,
  update_time              BIGINT NOT NULL,
  PRIMARY KEY (plan, campaign, recipient),
  FOREIGN KEY (plan, campaign) REFERENCES campaigns
);
-- Nobody is told the same thing twice (domain rule C5), however often a start is tried ...
-- (The campaign is last, so that this index does not look as good for finding a recipient as the key: a planner without statistics then
-- reads all recipients for each delivery that refers to one.)
CREATE UNIQUE INDEX campaign_recipients_once ON campaign_recipients (plan, household_organisation, household, campaign);

-- ... and by no channel twice: the channel is the last part of the key.
-- state: 1 queued, 2 accepted, 3 delivered, 4 failed for now, 5 fell back, 6 undeliverable, 7 cancelled. channel: 1 paper, 2 e-mail.
CREATE TABLE deliveries (
  plan           TEXT   NOT NULL,
  campaign       TEXT   NOT NULL,
  recipient      TEXT   NOT NULL,
  delivery       TEXT   NOT NULL,
  channel        BIGINT NOT NULL,
  state          BIGINT NOT NULL CHECK (state BETWEEN 1 AND 7),
  attempt_count  BIGINT NOT NULL CHECK (attempt_count >= 0),
  accept_time    BIGINT,
  deliver_time   BIGINT CHECK ((deliver_time IS NOT NULL) = (state = 3)),
  failure        BIGINT NOT NULL CHECK (failure BETWEEN 0 AND 20),
  print_run      TEXT,
  -- When there is something to do for it, by who works for its campaign: send it, or give up waiting for a confirmation.
  due_time       BIGINT CHECK (due_time IS NULL OR state IN (1, 2, 4)),
  revision       BIGINT NOT NULL,
  create_time    BIGINT NOT NULL,
  update_time    BIGINT NOT NULL,
  PRIMARY KEY (plan, campaign, recipient, delivery),
  CHECK ((channel = 1 AND delivery = 'paper') OR (channel = 2 AND delivery = 'email')),
  FOREIGN KEY (plan, campaign, recipient) REFERENCES campaign_recipients
);
CREATE INDEX deliveries_by_due_time ON deliveries (plan, campaign, due_time, recipient, delivery) WHERE due_time IS NOT NULL;
CREATE INDEX deliveries_to_print ON deliveries (plan, campaign, recipient) WHERE channel = 1 AND state IN (1, 4) AND print_run IS NULL;
CREATE INDEX deliveries_by_print_run ON deliveries (plan, campaign, print_run, recipient) WHERE print_run IS NOT NULL;
CREATE INDEX deliveries_open ON deliveries (plan, campaign, recipient) WHERE state IN (1, 2, 4);

-- How long is waited and how often is tried, from a date on.
CREATE TABLE delivery_rules (
  delivery_rule          TEXT   NOT NULL CHECK (length(delivery_rule) = 10),
  attempts_max           BIGINT NOT NULL CHECK (attempts_max BETWEEN 1 AND 100),
  backoff_first_seconds  BIGINT NOT NULL CHECK (backoff_first_seconds BETWEEN 1 AND 86400),
  backoff_max_seconds    BIGINT NOT NULL CHECK (backoff_max_seconds BETWEEN 1 AND 604800),
  confirm_hours          BIGINT NOT NULL CHECK (confirm_hours BETWEEN 1 AND 8760),
  source                 TEXT   NOT NULL,
  revision               BIGINT NOT NULL,
  create_time            BIGINT NOT NULL,
  update_time            BIGINT NOT NULL,
  PRIMARY KEY (delivery_rule)
);
INSERT INTO delivery_rules (delivery_rule, attempts_max, backoff_first_seconds, backoff_max_seconds, confirm_hours, source, revision,
                            create_time, update_time) VALUES
  ('2019-01-01', 8, 60, 21600, 72, 'Policy: a mail that nobody has confirmed after three days is followed by a letter', 1, 0, 0);
