-- One person's activity, newest first: read backwards. The id breaks ties
-- between events of one millisecond, so that a page never repeats a row.
-- +goose Up
CREATE INDEX login_audit_by_user ON login_audit (user_id, at, id);
