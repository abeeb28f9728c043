-- One person's activity, newest first: read backwards.
-- +goose Up
CREATE INDEX login_audit_of_user ON login_audit_new (user_id, at, id);
