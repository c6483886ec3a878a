-- Every key begins with the plan, and no constraint leaves it.

-- kind: 1 activities, 2 offers, 3 democracy, 4 safety, 5 construction. state: 1 draft, 2 published, 3 withdrawn.
CREATE TABLE notices (
  plan          TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  notice        TEXT   NOT NULL CHECK (length(notice) BETWEEN 1 AND 63),
  kind          BIGINT NOT NULL CHECK (kind BETWEEN 1 AND 5),
  start_time    BIGINT,
  expire_time   BIGINT,
  state         BIGINT NOT NULL CHECK (state BETWEEN 1 AND 3),
  publish_time  BIGINT CHECK ((publish_time IS NOT NULL) OR state <> 2),
  -- How often it was corrected: the texts with this number hold.
  correction    BIGINT NOT NULL DEFAULT 0 CHECK (correction >= 0),
  revision      BIGINT NOT NULL,
  create_time   BIGINT NOT NULL,
  update_time   BIGINT NOT NULL,
  PRIMARY KEY (plan, notice)
);
CREATE INDEX notices_by_publish_time ON notices (plan, publish_time, notice);

-- level: 1 everyone, 2 plan, 3 organisation, 4 department, 5 stairwell.
CREATE TABLE notice_audiences (
  plan          TEXT   NOT NULL,
  notice        TEXT   NOT NULL,
  position      BIGINT NOT NULL,
  level         BIGINT NOT NULL CHECK (level BETWEEN 1 AND 5),
  organisation  TEXT   CHECK ((organisation IS NOT NULL) = (level IN (3, 4, 5))),
  department    TEXT   CHECK ((department IS NOT NULL) = (level IN (4, 5))),
  stairwell     TEXT   CHECK ((stairwell IS NOT NULL) = (level = 5)),
  PRIMARY KEY (plan, notice, position),
  FOREIGN KEY (plan, notice) REFERENCES notices
);

-- What a notice says: from the start on under 0, and from each correction on under its number, so that a correction takes nothing away.
CREATE TABLE notice_texts (
  plan             TEXT   NOT NULL,
  notice           TEXT   NOT NULL,
  correction       BIGINT NOT NULL CHECK (correction >= 0),
  position         BIGINT NOT NULL,
  language         TEXT   NOT NULL,
  title            TEXT   NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
  summary          TEXT   NOT NULL,
  body             TEXT   NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
  correction_note  TEXT   CHECK ((correction_note IS NOT NULL) = (correction > 0)),
  correct_time     BIGINT CHECK ((correct_time IS NOT NULL) = (correction > 0)),
  PRIMARY KEY (plan, notice, correction, position),
  UNIQUE (plan, notice, correction, language),
  FOREIGN KEY (plan, notice) REFERENCES notices
);

CREATE TABLE notice_images (
  plan      TEXT   NOT NULL,
  notice    TEXT   NOT NULL,
  position  BIGINT NOT NULL,
  uri       TEXT   NOT NULL,
  PRIMARY KEY (plan, notice, position),
  FOREIGN KEY (plan, notice) REFERENCES notices
);

CREATE TABLE notice_alternative_texts (
  plan      TEXT   NOT NULL,
  notice    TEXT   NOT NULL,
  image     BIGINT NOT NULL,
  position  BIGINT NOT NULL,
  language  TEXT   NOT NULL,
  text      TEXT   NOT NULL CHECK (length(text) BETWEEN 1 AND 500),
  PRIMARY KEY (plan, notice, image, position),
  UNIQUE (plan, notice, image, language),
  FOREIGN KEY (plan, notice, image) REFERENCES notice_images
);

CREATE TABLE templates (
  plan            TEXT   NOT NULL CHECK (length(plan) BETWEEN 1 AND 63),
  template        TEXT   NOT NULL CHECK (length(template) BETWEEN 1 AND 63),
  display_name    TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  latest_version  BIGINT NOT NULL CHECK (latest_version >= 0),
  revision        BIGINT NOT NULL,
  create_time     BIGINT NOT NULL,
  update_time     BIGINT NOT NULL,
  PRIMARY KEY (plan, template)
);
CREATE INDEX templates_by_display_name ON templates (plan, display_name, template);

-- A version never changes.
CREATE TABLE template_versions (
  plan         TEXT   NOT NULL,
  template     TEXT   NOT NULL,
  version      TEXT   NOT NULL,
  revision     BIGINT NOT NULL CHECK (revision = 1),
  create_time  BIGINT NOT NULL,
  update_time  BIGINT NOT NULL,
  PRIMARY KEY (plan, template, version),
  FOREIGN KEY (plan, template) REFERENCES templates
);

-- type: 1 text, 2 integer, 3 date, 4 date and time, 5 money, 6 URI.
CREATE TABLE template_parameters (
  plan         TEXT    NOT NULL,
  template     TEXT    NOT NULL,
  version      TEXT    NOT NULL,
  position     BIGINT  NOT NULL,
  parameter    TEXT    NOT NULL,
  type         BIGINT  NOT NULL CHECK (type BETWEEN 1 AND 6),
  optional     BOOLEAN NOT NULL,
  description  TEXT    NOT NULL,
  PRIMARY KEY (plan, template, version, position),
  UNIQUE (plan, template, version, parameter),
  FOREIGN KEY (plan, template, version) REFERENCES template_versions
);

CREATE TABLE template_texts (
  plan      TEXT   NOT NULL,
  template  TEXT   NOT NULL,
  version   TEXT   NOT NULL,
  position  BIGINT NOT NULL,
  language  TEXT   NOT NULL,
  subject   TEXT   NOT NULL CHECK (length(subject) BETWEEN 1 AND 200),
  body      TEXT   NOT NULL CHECK (length(body) BETWEEN 1 AND 10000),
  PRIMARY KEY (plan, template, version, position),
  UNIQUE (plan, template, version, language),
  FOREIGN KEY (plan, template, version) REFERENCES template_versions
);
