-- All events, newest first: read backwards.
-- +goose Up
CREATE INDEX login_audit_by_time ON login_audit (at, id);
