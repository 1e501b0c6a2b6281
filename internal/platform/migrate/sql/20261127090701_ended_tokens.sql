-- Dropping ended sessions of users reads what has ended, not all there are.

-- +goose Up
CREATE INDEX refresh_tokens_ended_idx ON refresh_tokens ((least(expires_at, idle_expires_at)));
