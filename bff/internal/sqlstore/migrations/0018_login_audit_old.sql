-- Everything in it is in login_audit.
-- +goose Up
DROP TABLE IF EXISTS login_audit_old;
