-- MySQL does this and the next two in steps, while the table is written to: see
-- migrate_audit.go.
-- +goose Up
INSERT OR IGNORE INTO login_audit_new (id, type, user_id, actor_id, session_id, detail, ip, user_agent, request_id, at)
  SELECT id, type, user_id, actor_id, session_id, detail, ip, user_agent, request_id, at FROM login_audit ORDER BY at, id;
