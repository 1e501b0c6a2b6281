-- Tenant tables of calendars: when a dealership is open, and when people work.

-- +goose Up
CREATE TABLE opening_hours (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    dealership_id uuid        NOT NULL,
    department    text        NOT NULL DEFAULT '', -- '': for departments that have none of their own
    week          jsonb       NOT NULL, -- [{"day": "monday", "from": "09:00", "to": "12:00"}] in the dealership's time
    exceptions    jsonb       NOT NULL DEFAULT '[]', -- [{"date": "2026-12-24", "hours": [...], "note": "..."}]
    holidays      jsonb       NOT NULL, -- {"closed": true, "country": "", "region": "", "open_on": []}
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT opening_hours_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE UNIQUE INDEX opening_hours_department_key ON opening_hours (account_id, dealership_id, department) WHERE deleted_at IS NULL;
CREATE INDEX opening_hours_created_idx ON opening_hours (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE closures (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    dealership_id uuid        NOT NULL,
    department    text        NOT NULL DEFAULT '', -- '': of every department
    label         text        NOT NULL DEFAULT '',
    starts        text        NOT NULL, -- 2026-12-07T12:00 in the dealership's time: wall time, so that it stays when clocks change
    ends          text        NOT NULL,
    rule          text        NOT NULL DEFAULT '', -- RRULE of RFC 5545; '': once
    except_dates  jsonb       NOT NULL DEFAULT '[]',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT closures_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE INDEX closures_dealership_idx ON closures (account_id, dealership_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX closures_created_idx ON closures (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE shifts (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    user_id       uuid        NOT NULL,
    dealership_id uuid        NOT NULL,
    department    text        NOT NULL DEFAULT '',
    day           text        NOT NULL DEFAULT '', -- of the week, for a shift of every week
    date          text        NOT NULL DEFAULT '', -- for a shift of one day
    from_time     text        NOT NULL,
    to_time       text        NOT NULL,
    valid_from    text        NOT NULL DEFAULT '',
    valid_until   text        NOT NULL DEFAULT '',
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT shifts_day_check CHECK ((day = '') <> (date = '')),
    CONSTRAINT shifts_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id),
    CONSTRAINT shifts_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE INDEX shifts_user_idx ON shifts (account_id, user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX shifts_dealership_idx ON shifts (account_id, dealership_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX shifts_created_idx ON shifts (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE absences (
    account_id uuid        NOT NULL REFERENCES accounts (id),
    id         uuid        NOT NULL,
    version    bigint      NOT NULL DEFAULT 1,
    user_id    uuid        NOT NULL,
    kind       text        NOT NULL CHECK (kind IN ('vacation', 'sick', 'training', 'other')),
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    note       text        NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT absences_order_check CHECK (starts_at < ends_at),
    CONSTRAINT absences_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE INDEX absences_user_idx ON absences (account_id, user_id, ends_at) WHERE deleted_at IS NULL;
CREATE INDEX absences_created_idx ON absences (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- What somebody says of themselves, until it expires. There is one row per user.
CREATE TABLE presences (
    account_id uuid        NOT NULL REFERENCES accounts (id),
    id         uuid        NOT NULL, -- the user's
    version    bigint      NOT NULL DEFAULT 1,
    state      text        NOT NULL CHECK (state IN ('in', 'away')),
    since      timestamptz NOT NULL,
    until      timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT presences_user_fkey FOREIGN KEY (account_id, id) REFERENCES users (account_id, id)
);
CREATE INDEX presences_created_idx ON presences (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['opening_hours', 'closures', 'shifts', 'absences', 'presences'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
