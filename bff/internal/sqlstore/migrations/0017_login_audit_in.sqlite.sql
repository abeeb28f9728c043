-- +goose Up
ALTER TABLE login_audit_new RENAME TO login_audit;
