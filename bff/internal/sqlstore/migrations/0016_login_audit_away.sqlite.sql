-- +goose Up
ALTER TABLE login_audit RENAME TO login_audit_old;
