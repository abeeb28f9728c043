-- The active administrators: whoever wants to take one away looks for another.
-- +goose Up
CREATE INDEX users_by_role ON users (role, active, id);
