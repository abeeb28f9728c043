-- One account a row. This file is read by MySQL, MariaDB and SQLite alike:
-- what stands in /*! … */ is executed by the first two and a comment to SQLite.
--
-- CHARACTER SET binary makes VARBINARY of VARCHAR: compared byte by byte. Every
-- collation there is finds equal what is not: utf8mb4_general_ci takes ádmin@
-- for admin@, utf8mb4_unicode_ci one password hash for another, and even
-- utf8mb4_bin ignores trailing spaces. VARBINARY itself would be a number to
-- SQLite, which would round an identifier that happens to be all digits.
--
-- Times are milliseconds since 1970, UTC: exact, and the same on every server.
-- +goose Up
CREATE TABLE users (
  id             VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  email_key      VARCHAR(254) /*! CHARACTER SET binary */ NOT NULL,
  email          VARCHAR(254) NOT NULL,
  name           VARCHAR(100) NOT NULL,
  role           VARCHAR(16)  /*! CHARACTER SET binary */ NOT NULL,
  password_hash  VARCHAR(255) /*! CHARACTER SET binary */ NOT NULL,
  active         BOOLEAN      NOT NULL,
  email_verified BOOLEAN      NOT NULL,
  created_at     BIGINT       NOT NULL,
  updated_at     BIGINT       NOT NULL,
  PRIMARY KEY (id),
  CONSTRAINT users_email_key UNIQUE (email_key)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
