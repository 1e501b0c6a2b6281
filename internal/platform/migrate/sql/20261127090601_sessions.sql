-- A session is what a sign-in begins: the family of refresh tokens that replaced one another, as its user sees it.

-- +goose Up
CREATE TABLE sessions (
    account_id      uuid        NOT NULL,
    id              uuid        NOT NULL, -- family_id of its refresh tokens
    user_id         uuid        NOT NULL,
    user_agent      text        NOT NULL DEFAULT '',
    network         text        NOT NULL DEFAULT '', -- where it was last used from, never the whole address
    created_at      timestamptz NOT NULL,
    last_used_at    timestamptz NOT NULL,
    idle_expires_at timestamptz NOT NULL,
    expires_at      timestamptz NOT NULL,
    ended_at        timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT sessions_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE INDEX sessions_user_idx ON sessions (account_id, user_id, created_at DESC, id DESC);
CREATE INDEX sessions_expires_idx ON sessions (account_id, idle_expires_at);

-- Sessions that are there, before row security binds the owner too.
INSERT INTO sessions (account_id, id, user_id, user_agent, created_at, last_used_at, idle_expires_at, expires_at, ended_at)
    SELECT account_id, family_id, user_id, (array_agg(user_agent ORDER BY issued_at DESC))[1],
        min(issued_at), max(issued_at), max(idle_expires_at), max(expires_at), max(revoked_at)
    FROM refresh_tokens GROUP BY account_id, family_id, user_id;

ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON sessions USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON sessions TO rooftop_app;
