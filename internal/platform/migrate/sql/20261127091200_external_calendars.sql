-- Calendars of people that are kept elsewhere, and when they are busy by them.

-- +goose Up
CREATE TABLE external_calendars (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    user_id       uuid        NOT NULL,
    name          text        NOT NULL DEFAULT '',
    url_sealed    bytea       NOT NULL, -- whoever has the URL reads the calendar
    url_shown     text        NOT NULL, -- its host
    paused        boolean     NOT NULL DEFAULT false,
    etag          text        NOT NULL DEFAULT '', -- of the document that was last read, as the host sent them
    last_modified text        NOT NULL DEFAULT '',
    failures      integer     NOT NULL DEFAULT 0, -- one after another
    error_code    text        NOT NULL DEFAULT '',
    error_detail  text        NOT NULL DEFAULT '',
    tried_at      timestamptz,
    fetched_at    timestamptz, -- when the host last said what is in it
    read_at       timestamptz, -- when its recurrences were last worked out: they are for some months ahead
    next_at       timestamptz, -- null while it is paused
    busy_count    integer     NOT NULL DEFAULT 0,
    skipped_count integer     NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT external_calendars_user_fkey FOREIGN KEY (account_id, user_id) REFERENCES users (account_id, id)
);
CREATE INDEX external_calendars_user_idx ON external_calendars (account_id, user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX external_calendars_created_idx ON external_calendars (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- When somebody is busy, and nothing about what with. All of a calendar's are exchanged at once.
CREATE TABLE external_busy_times (
    account_id  uuid        NOT NULL,
    calendar_id uuid        NOT NULL,
    starts_at   timestamptz NOT NULL,
    ends_at     timestamptz NOT NULL,
    PRIMARY KEY (account_id, calendar_id, starts_at),
    CONSTRAINT external_busy_times_order_check CHECK (starts_at < ends_at),
    CONSTRAINT external_busy_times_calendar_fkey FOREIGN KEY (account_id, calendar_id) REFERENCES external_calendars (account_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['external_calendars', 'external_busy_times'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON external_calendars TO rooftop_app;
GRANT SELECT, INSERT, DELETE ON external_busy_times TO rooftop_app;
