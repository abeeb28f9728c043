-- The audit trail; rows are only ever added. No foreign key to users: the trail
-- outlives the account, and a failed sign-in may have none.
-- +goose Up
CREATE TABLE login_audit (
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
  PRIMARY KEY (id)
) /*! ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci */;
