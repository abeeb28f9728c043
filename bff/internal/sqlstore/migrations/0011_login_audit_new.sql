-- The audit trail by time, which takes the place of login_audit: events go to the
-- end of the table, old ones are removed from its front, and it can be cut into
-- partitions. An event appended twice has the same time both times.
-- +goose Up
CREATE TABLE login_audit_new (
  id         VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  type       VARCHAR(32)  /*! CHARACTER SET binary */ NOT NULL,
  user_id    VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  actor_id   VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  session_id VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  detail     VARCHAR(255) NOT NULL,
  ip         VARCHAR(64)  /*! CHARACTER SET binary */ NOT NULL,
  user_agent VARCHAR(256) NOT NULL,
  request_id VARCHAR(128) NOT NULL,
  at         BIGINT       NOT NULL,
  PRIMARY KEY (at, id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
