-- Requests for a new password, kept until a job has looked whose they are: answering one does the same work whether or not
-- there is such a user.

-- +goose Up
CREATE TABLE password_reset_requests (
    id           uuid PRIMARY KEY,
    email        bytea       NOT NULL, -- sealed
    requested_at timestamptz NOT NULL
);
CREATE INDEX password_reset_requests_old_idx ON password_reset_requests (requested_at);
GRANT SELECT, INSERT, DELETE ON password_reset_requests TO rooftop_app;
