-- Rows that transactions write which must not run side by side, one for each
-- such kind. Locks belong to one primary; with several, two transactions meet at
-- COMMIT only, and only if both have written the same row.
-- +goose Up
CREATE TABLE guards (
  name    VARCHAR(64) /*! CHARACTER SET binary */ NOT NULL,
  changes BIGINT      NOT NULL,
  PRIMARY KEY (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
