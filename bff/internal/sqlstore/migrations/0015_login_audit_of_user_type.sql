-- One person's events of one type, newest first: read backwards. Without it they
-- were picked from all of that person's.
-- +goose Up
CREATE INDEX login_audit_of_user_type ON login_audit_new (user_id, type, at, id);
