-- Chains of hashes over logs that are only ever added to (service/chain.h).

-- What was written and is not linked yet, together with the row that it is about.
CREATE TABLE chain_pending (
  chain   TEXT  NOT NULL,         -- which log: `audit`
  scope   TEXT  NOT NULL,         -- with `entry` the key of the row in that log
  entry   TEXT  NOT NULL,
  digest  BYTEA NOT NULL,         -- SHA-256 of the row
  PRIMARY KEY (chain, entry, scope)
);

CREATE TABLE chain_links (
  chain     TEXT   NOT NULL,
  position  BIGINT NOT NULL CHECK (position > 0),
  scope     TEXT   NOT NULL,
  entry     TEXT   NOT NULL,
  digest    BYTEA  NOT NULL,
  hash      BYTEA  NOT NULL,      -- SHA-256 of the link before and of everything above
  PRIMARY KEY (chain, position)
);
CREATE UNIQUE INDEX chain_links_by_entry ON chain_links (chain, scope, entry);

-- What a kept answer is about, so that it is emptied when that is erased; empty where it is nobody's.
ALTER TABLE idempotency ADD COLUMN resource TEXT NOT NULL DEFAULT '';
CREATE INDEX idempotency_by_resource ON idempotency (resource);
