-- The rules of each grant period. Few rows that never change and belong to no plan: on a distributed store a copy on every node.
--
-- Dates are text, YYYY-MM-DD; periods include their start and end before their end.

CREATE TABLE regulations (
  regulation                                TEXT    NOT NULL CHECK (length(regulation) BETWEEN 1 AND 63),
  display_name                              TEXT    NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  period_start_date                         TEXT    NOT NULL CHECK (length(period_start_date) = 10),
  period_end_date                           TEXT    CHECK (length(period_end_date) = 10 AND period_end_date > period_start_date),
  adopt_date                                TEXT    CHECK (length(adopt_date) = 10),
  in_force_date                             TEXT    CHECK (length(in_force_date) = 10),
  local_cofunding_least_basis_points        BIGINT  NOT NULL CHECK (local_cofunding_least_basis_points BETWEEN 0 AND 10000),
  local_cofunding_counts_municipality       BOOLEAN NOT NULL,
  local_cofunding_counts_organisation       BOOLEAN NOT NULL,
  local_cofunding_counts_department         BOOLEAN NOT NULL,
  local_cofunding_counts_external           BOOLEAN NOT NULL,
  local_cofunding_counts_in_kind_hours      BOOLEAN NOT NULL,
  voting_meeting_notice_days                BIGINT  NOT NULL CHECK (voting_meeting_notice_days BETWEEN 0 AND 365),
  voting_material_notice_days               BIGINT  NOT NULL CHECK (voting_material_notice_days BETWEEN 0 AND 365),
  voting_votes_per_household                BIGINT  NOT NULL CHECK (voting_votes_per_household BETWEEN 1 AND 100),
  voting_digital_window_days_max            BIGINT  NOT NULL CHECK (voting_digital_window_days_max BETWEEN 0 AND 365),
  voting_ballot_rent_increase_basis_points  BIGINT  NOT NULL CHECK (voting_ballot_rent_increase_basis_points BETWEEN 0 AND 10000),
  voting_ballot_demand_basis_points_max     BIGINT  NOT NULL CHECK (voting_ballot_demand_basis_points_max BETWEEN 0 AND 10000),
  reallocation_threshold_basis_points       BIGINT  CHECK (reallocation_threshold_basis_points BETWEEN 0 AND 10000),
  release_warning_days                      BIGINT  NOT NULL CHECK (release_warning_days BETWEEN 0 AND 1000),
  revision                                  BIGINT  NOT NULL,
  create_time                               BIGINT  NOT NULL,
  update_time                               BIGINT  NOT NULL,
  PRIMARY KEY (regulation)
);

CREATE TABLE regulation_focus_areas (
  regulation    TEXT   NOT NULL,
  focus_area    TEXT   NOT NULL CHECK (length(focus_area) BETWEEN 1 AND 63),
  position      BIGINT NOT NULL,
  display_name  TEXT   NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
  PRIMARY KEY (regulation, focus_area),
  FOREIGN KEY (regulation) REFERENCES regulations
);

-- Where each rule comes from. certainty: 1 found in the source, 2 practice of local statutes, 3 not verified.
CREATE TABLE regulation_bases (
  regulation  TEXT   NOT NULL,
  position    BIGINT NOT NULL,
  field       TEXT   NOT NULL CHECK (length(field) BETWEEN 1 AND 100),
  certainty   BIGINT NOT NULL CHECK (certainty BETWEEN 1 AND 3),
  source      TEXT   NOT NULL,
  PRIMARY KEY (regulation, position),
  FOREIGN KEY (regulation) REFERENCES regulations
);

-- The sets that are known. Whether money of others and hours count towards the local share is not known: nothing counts that is not
-- sure to. A reallocation threshold is not known: there is none, so every reallocation needs the fund's approval. 180 days of warning
-- and the periods of voting are cautious guesses or practice, and say so below.
INSERT INTO regulations VALUES
  ('2011-14', 'Regulativ for boligsociale indsatser, bevillingsperioden 2011-14', '2011-01-01', '2015-01-01', NULL, NULL,
   2500, TRUE, TRUE, TRUE, FALSE, FALSE, 28, 14, 2, 0, 1500, 2500, NULL, 180, 1, 0, 0),
  ('2015-18', 'Regulativ for boligsociale indsatser, bevillingsperioden 2015-18', '2015-01-01', '2019-01-01', '2015-03-19', NULL,
   2500, TRUE, TRUE, TRUE, FALSE, FALSE, 28, 14, 2, 7, 1500, 2500, NULL, 180, 1, 0, 0),
  ('2019-26', 'Regulativ for boligsociale indsatser, bevillingsperioden 2019-26', '2019-01-01', '2027-01-01', '2019-12-11', '2020-01-01',
   2500, TRUE, TRUE, TRUE, FALSE, FALSE, 28, 14, 2, 7, 1500, 2500, NULL, 180, 1, 0, 0);

INSERT INTO regulation_focus_areas (regulation, position, focus_area, display_name) VALUES
  ('2011-14', 1, 'boern-unge-familie', 'Børn, unge og familie'),
  ('2011-14', 2, 'uddannelse-beskaeftigelse-erhverv', 'Uddannelse, beskæftigelse og erhverv'),
  ('2011-14', 3, 'beboernetvaerk-demokrati', 'Beboernetværk, inddragelse og demokrati'),
  ('2011-14', 4, 'sundhed', 'Sundhed'),
  ('2011-14', 5, 'udsatte-grupper', 'Udsatte grupper'),
  ('2011-14', 6, 'kultur-fritid', 'Kultur og fritid'),
  ('2011-14', 7, 'image-kommunikation', 'Image og kommunikation'),
  ('2015-18', 1, 'tryghed-trivsel', 'Tryghed og trivsel'),
  ('2015-18', 2, 'kriminalpraevention', 'Kriminalpræventiv indsats'),
  ('2015-18', 3, 'uddannelse-beskaeftigelse', 'Uddannelse og beskæftigelse'),
  ('2015-18', 4, 'forebyggelse-foraeldreansvar', 'Forebyggelse og forældreansvar'),
  ('2019-26', 1, 'uddannelse-livschancer', 'Uddannelse og livschancer'),
  ('2019-26', 2, 'beskaeftigelse', 'Beskæftigelse'),
  ('2019-26', 3, 'kriminalitetsforebyggelse', 'Kriminalitetsforebyggelse'),
  ('2019-26', 4, 'sammenhaengskraft-medborgerskab', 'Sammenhængskraft og medborgerskab');

INSERT INTO regulation_bases (regulation, position, field, certainty, source)
SELECT r.regulation, b.position, b.field, b.certainty, b.source
FROM regulations r CROSS JOIN (
  SELECT 1 AS position, 'focus_areas' AS field, 1 AS certainty, 'lbf.dk, pages on applications and boligsociale indsatser' AS source
  UNION ALL SELECT 2, 'local_cofunding.least_basis_points', 1, 'lbf.dk, organisation og økonomiske rammer'
  UNION ALL SELECT 3, 'local_cofunding.counts_municipality', 1, 'lbf.dk, organisation og økonomiske rammer'
  UNION ALL SELECT 4, 'local_cofunding.counts_organisation', 1, 'lbf.dk, organisation og økonomiske rammer'
  UNION ALL SELECT 5, 'local_cofunding.counts_department', 3, 'the reference case counts departments and organisations as one'
  UNION ALL SELECT 6, 'local_cofunding.counts_external', 3, ''
  UNION ALL SELECT 7, 'local_cofunding.counts_in_kind_hours', 3, ''
  UNION ALL SELECT 8, 'voting.meeting_notice_days', 2, 'local statutes: abesbjerg.dk, store-hus.dk'
  UNION ALL SELECT 9, 'voting.material_notice_days', 2, 'local statutes, the period for proposals: abesbjerg.dk, store-hus.dk'
  UNION ALL SELECT 10, 'voting.votes_per_household', 1, 'almenbo-aarhus.dk, sophiehaven.info, store-hus.dk'
  UNION ALL SELECT 11, 'voting.digital_window_days_max', 3, 'bl.dk 2015, a draft; digital votes since 2016'
  UNION ALL SELECT 12, 'voting.ballot_rent_increase_basis_points', 1, 'almenboligloven § 37 stk. 3'
  UNION ALL SELECT 13, 'voting.ballot_demand_basis_points_max', 1, 'almenboligloven § 37 stk. 3'
  UNION ALL SELECT 14, 'reallocation_threshold_basis_points', 3, ''
  UNION ALL SELECT 15, 'release_warning_days', 3, ''
) b;
