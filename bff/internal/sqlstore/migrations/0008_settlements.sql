-- Changes of accounts that have yet to reach the sessions, which are in another
-- store. A row is written with its change and goes when all have it; mostly
-- there is none. Read from the front, so the time comes first in the key.
-- +goose Up
CREATE TABLE settlements (
  at           BIGINT       NOT NULL,
  id           VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  user_id      VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  actor_id     VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  end_older    BOOLEAN      NOT NULL,
  keep_session VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  PRIMARY KEY (at, id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
