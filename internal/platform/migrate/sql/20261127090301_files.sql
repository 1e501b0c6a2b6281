-- Uploaded files: a row for each, with what uses it. The bytes are kept outside, under a key made of account and id.

-- +goose Up
CREATE TABLE files (
    account_id   uuid        NOT NULL REFERENCES accounts (id),
    id           uuid        NOT NULL,
    version      bigint      NOT NULL DEFAULT 1,
    name         text        NOT NULL, -- '' once it is deleted
    content_type text        NOT NULL,
    size         bigint      NOT NULL,
    sha256       bytea       NOT NULL,
    created_by   uuid, -- as in events
    expires_at   timestamptz, -- when it goes unless something uses it by then; null while something does
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    deleted_at   timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT files_size_check CHECK (size >= 0)
);
CREATE INDEX files_created_idx ON files (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- What uses a file: resource_type and resource_id as in events.
CREATE TABLE file_uses (
    account_id    uuid        NOT NULL,
    file_id       uuid        NOT NULL,
    resource_type text        NOT NULL,
    resource_id   uuid        NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT file_uses_key PRIMARY KEY (account_id, file_id, resource_type, resource_id),
    FOREIGN KEY (account_id, file_id) REFERENCES files (account_id, id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['files', 'file_uses'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
