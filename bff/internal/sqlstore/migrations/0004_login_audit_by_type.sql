-- All events of one type, newest first: read backwards.
-- +goose Up
CREATE INDEX login_audit_by_type ON login_audit (type, at, id);
