-- All events of one type, newest first: read backwards.
-- +goose Up
CREATE INDEX login_audit_of_type ON login_audit_new (type, at, id);
