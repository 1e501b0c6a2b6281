-- Long operations that a caller can follow, and the imports and exports that are such.

-- +goose Up
CREATE TABLE jobs (
    account_id  uuid        NOT NULL REFERENCES accounts (id),
    id          uuid        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    kind        text        NOT NULL, -- import.run
    subject_id  uuid        NOT NULL, -- the import, export … that it works on
    status      text        NOT NULL CONSTRAINT jobs_status_check CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    done        bigint      NOT NULL DEFAULT 0,
    total       bigint, -- null while nobody knows
    state       jsonb       NOT NULL DEFAULT '{}', -- where it goes on; the kind's own
    result      jsonb       NOT NULL DEFAULT '{}',
    error       jsonb       NOT NULL DEFAULT 'null',
    queue_id    bigint      NOT NULL, -- in the job queue
    actor_type  text        NOT NULL,
    actor_id    uuid, -- null for the system
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    started_at  timestamptz,
    finished_at timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT jobs_finished_check CHECK ((finished_at IS NOT NULL) = (status IN ('succeeded', 'failed', 'cancelled')))
);
CREATE INDEX jobs_created_idx ON jobs (account_id, created_at DESC, id DESC);

CREATE TABLE imports (
    account_id  uuid        NOT NULL REFERENCES accounts (id),
    id          uuid        NOT NULL,
    version     bigint      NOT NULL DEFAULT 1,
    kind        text        NOT NULL, -- contacts
    file_name   text        NOT NULL DEFAULT '',
    format      text        NOT NULL CONSTRAINT imports_format_check CHECK (format IN ('csv', 'json')),
    charset     text        NOT NULL,
    delimiter   text        NOT NULL DEFAULT '',
    columns     jsonb       NOT NULL, -- the file's, in order
    mapping     jsonb       NOT NULL, -- column → field
    source      text        NOT NULL, -- the system that gave the external ids
    dry_run     boolean     NOT NULL DEFAULT false,
    status      text        NOT NULL CONSTRAINT imports_status_check
                CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'reverting', 'reverted')),
    job_id      uuid        NOT NULL, -- the latest
    rows        bigint      NOT NULL,
    created     bigint      NOT NULL DEFAULT 0,
    changed     bigint      NOT NULL DEFAULT 0,
    unchanged   bigint      NOT NULL DEFAULT 0,
    rejected    bigint      NOT NULL DEFAULT 0,
    reverted    bigint      NOT NULL DEFAULT 0,
    kept        bigint      NOT NULL DEFAULT 0, -- that a revert left alone, because they were changed since
    actor_type  text        NOT NULL,
    actor_id    uuid,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX imports_created_idx ON imports (account_id, created_at DESC, id DESC);

-- The file, read and cut into parts that are applied in one transaction each: [[line, [cells], fault], …]
CREATE TABLE import_parts (
    account_id uuid    NOT NULL,
    import_id  uuid    NOT NULL,
    part       integer NOT NULL,
    records    jsonb   NOT NULL,
    PRIMARY KEY (account_id, import_id, part),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);

-- What became of each row.
CREATE TABLE import_rows (
    account_id uuid    NOT NULL,
    import_id  uuid    NOT NULL,
    line       integer NOT NULL,
    state      text    NOT NULL CONSTRAINT import_rows_state_check
               CHECK (state IN ('created', 'changed', 'unchanged', 'rejected', 'reverted', 'kept')),
    subject_id uuid, -- null for a rejected row and in a dry run
    version    bigint  NOT NULL DEFAULT 0, -- the subject's after the row
    changes    jsonb   NOT NULL DEFAULT '[]',
    errors     jsonb   NOT NULL DEFAULT '[]',
    undo       jsonb   NOT NULL DEFAULT 'null', -- the kind's own
    PRIMARY KEY (account_id, import_id, line),
    FOREIGN KEY (account_id, import_id) REFERENCES imports (account_id, id) ON DELETE CASCADE
);
CREATE INDEX import_rows_state_idx ON import_rows (account_id, import_id, state, line);

CREATE TABLE import_mappings (
    account_id uuid        NOT NULL REFERENCES accounts (id),
    kind       text        NOT NULL,
    name       text        NOT NULL,
    mapping    jsonb       NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, kind, name)
);

CREATE TABLE exports (
    account_id uuid        NOT NULL REFERENCES accounts (id),
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    kind       text        NOT NULL,
    format     text        NOT NULL CONSTRAINT exports_format_check CHECK (format IN ('csv', 'json')),
    status     text        NOT NULL CONSTRAINT exports_status_check CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
    job_id     uuid        NOT NULL,
    rows       bigint      NOT NULL DEFAULT 0,
    actor_type text        NOT NULL,
    actor_id   uuid,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX exports_created_idx ON exports (account_id, created_at DESC, id DESC);

CREATE TABLE export_parts (
    account_id uuid    NOT NULL,
    export_id  uuid    NOT NULL,
    part       integer NOT NULL,
    body       text    NOT NULL,
    PRIMARY KEY (account_id, export_id, part),
    FOREIGN KEY (account_id, export_id) REFERENCES exports (account_id, id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['jobs', 'imports', 'import_parts', 'import_rows', 'import_mappings', 'exports', 'export_parts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
