-- What administrators did, one row for each act, written in the act's own transaction. Rows are only ever added: the
-- server's role may neither change nor remove them. Names, addresses and secrets are not kept here; ids are.

-- +goose Up
CREATE TABLE audit_log (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    act           text        NOT NULL, -- api_key.created
    subject_type  text        NOT NULL, -- api_key
    subject_id    uuid        NOT NULL,
    actor_type    text        NOT NULL,
    actor_id      uuid,       -- null for the system
    credential_id uuid,       -- the key, or the session of a person
    -- [{"field": "roles", "before": …, "after": …}]; {"field": "email", "withheld": true} where the value is secret or personal
    changes       jsonb       NOT NULL DEFAULT '[]',
    request_id    text        NOT NULL DEFAULT '',
    address       text        NOT NULL DEFAULT '', -- the network the request came from, never the whole address
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT audit_log_changes_check CHECK (jsonb_typeof(changes) = 'array')
);
CREATE INDEX audit_log_created_idx ON audit_log (account_id, created_at DESC, id DESC);
CREATE INDEX audit_log_actor_idx ON audit_log (account_id, actor_id, created_at DESC, id DESC);
CREATE INDEX audit_log_subject_idx ON audit_log (account_id, subject_id, created_at DESC, id DESC);
CREATE INDEX audit_log_act_idx ON audit_log (account_id, act, created_at DESC, id DESC);

ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_log FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON audit_log USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
GRANT SELECT, INSERT ON audit_log TO rooftop_app;
