-- All accounts, newest first: read backwards. The id breaks ties between
-- accounts of one millisecond.
-- +goose Up
CREATE INDEX users_by_created ON users (created_at, id);
