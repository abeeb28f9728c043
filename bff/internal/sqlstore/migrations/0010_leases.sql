-- Who does a piece of work that one instance does for all, and until when.
-- +goose Up
CREATE TABLE leases (
  name   VARCHAR(64) /*! CHARACTER SET binary */ NOT NULL,
  holder VARCHAR(64) /*! CHARACTER SET binary */ NOT NULL,
  ends   BIGINT      NOT NULL,
  PRIMARY KEY (name)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
