-- Webhooks: who wants to be told, what is to be told to whom, and how that went.

-- +goose Up
CREATE TABLE webhook_endpoints (
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    id              uuid        NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    url             text        NOT NULL,
    description     text        NOT NULL DEFAULT '',
    event_types     jsonb, -- null: every type
    resources       jsonb, -- null: every kind of resource
    dealership_ids  jsonb, -- null: wherever it happens
    scopes          jsonb       NOT NULL, -- what its maker could read: it is told of nothing else
    enabled         boolean     NOT NULL DEFAULT true,
    disabled_reason text        NOT NULL DEFAULT '',
    disabled_at     timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT webhook_endpoints_reason_check CHECK (disabled_reason IN ('', 'by_hand', 'gone', 'failing'))
);
CREATE INDEX webhook_endpoints_created_idx ON webhook_endpoints (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;

-- The secrets that sign: several live at once while they are changed.
CREATE TABLE webhook_secrets (
    account_id  uuid        NOT NULL,
    id          uuid        NOT NULL,
    endpoint_id uuid        NOT NULL,
    sealed      bytea       NOT NULL,
    created_at  timestamptz NOT NULL,
    expires_at  timestamptz, -- null for the newest
    PRIMARY KEY (account_id, id),
    CONSTRAINT webhook_secrets_endpoint_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id)
);
CREATE INDEX webhook_secrets_endpoint_idx ON webhook_secrets (account_id, endpoint_id, created_at);

CREATE TABLE webhook_deliveries (
    account_id      uuid        NOT NULL,
    id              uuid        NOT NULL,
    endpoint_id     uuid        NOT NULL,
    event_id        uuid        NOT NULL, -- webhook-id: the same over every attempt and replay
    event_type      text        NOT NULL,
    resource_type   text        NOT NULL,
    resource_id     uuid        NOT NULL,
    sequence        bigint      NOT NULL,
    position        bigint      NOT NULL, -- in the event order; 0 for a test
    body            text        NOT NULL, -- as it was first made, so that a replay sends the same
    state           text        NOT NULL,
    tries           integer     NOT NULL DEFAULT 0, -- since it was last begun
    attempts        integer     NOT NULL DEFAULT 0, -- ever
    next_at         timestamptz, -- null unless pending
    last_status     integer,
    last_error      text        NOT NULL DEFAULT '',
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    delivered_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT webhook_deliveries_endpoint_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id),
    CONSTRAINT webhook_deliveries_event_key UNIQUE (account_id, endpoint_id, event_id),
    CONSTRAINT webhook_deliveries_state_check CHECK (state IN ('pending', 'delivered', 'failed', 'cancelled')),
    CONSTRAINT webhook_deliveries_next_check CHECK ((state = 'pending') = (next_at IS NOT NULL))
);
CREATE INDEX webhook_deliveries_due_idx ON webhook_deliveries (account_id, endpoint_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_created_idx ON webhook_deliveries (account_id, created_at DESC, id DESC);
CREATE INDEX webhook_deliveries_endpoint_idx ON webhook_deliveries (account_id, endpoint_id, created_at DESC, id DESC);

CREATE TABLE webhook_attempts (
    account_id       uuid        NOT NULL,
    delivery_id      uuid        NOT NULL,
    number           integer     NOT NULL,
    at               timestamptz NOT NULL,
    duration_ms      integer     NOT NULL,
    status           integer, -- null when there was no answer
    error            text        NOT NULL DEFAULT '', -- a code, when there was none
    url              text        NOT NULL,
    request_headers  jsonb       NOT NULL,
    response_headers jsonb       NOT NULL,
    response_body    text        NOT NULL, -- the first KiB
    PRIMARY KEY (account_id, delivery_id, number),
    CONSTRAINT webhook_attempts_delivery_fkey FOREIGN KEY (account_id, delivery_id) REFERENCES webhook_deliveries (account_id, id) ON DELETE CASCADE
);

-- How an endpoint fares, and which process sends to it: one at a time, so that the order holds.
CREATE TABLE webhook_lanes (
    account_id    uuid        NOT NULL,
    endpoint_id   uuid        NOT NULL,
    queued_at     timestamptz, -- a job was asked for, and has not begun
    holder        integer, -- the presence of the process that sends; see presence_class below
    held_until    timestamptz,
    failures      integer     NOT NULL DEFAULT 0, -- one after another
    failing_since timestamptz,
    paused_until  timestamptz,
    PRIMARY KEY (account_id, endpoint_id),
    CONSTRAINT webhook_lanes_endpoint_fkey FOREIGN KEY (account_id, endpoint_id) REFERENCES webhook_endpoints (account_id, id)
);
CREATE INDEX webhook_lanes_busy_idx ON webhook_lanes (account_id) WHERE queued_at IS NOT NULL OR holder IS NOT NULL;

-- How far the events of an account were turned into deliveries. It moves in the transaction that makes them.
CREATE TABLE webhook_positions (
    account_id uuid PRIMARY KEY REFERENCES accounts (id),
    position   bigint NOT NULL
);

ALTER TABLE webhook_endpoints ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_endpoints FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_endpoints USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
ALTER TABLE webhook_secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_secrets FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_secrets USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
ALTER TABLE webhook_deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_deliveries FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_deliveries USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
ALTER TABLE webhook_attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_attempts FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_attempts USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
ALTER TABLE webhook_lanes ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_lanes FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_lanes USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY sequencer ON webhook_lanes TO rooftop_sequencer USING (true);
ALTER TABLE webhook_positions ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhook_positions FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON webhook_positions USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY sequencer ON webhook_positions TO rooftop_sequencer USING (true);

GRANT SELECT, INSERT, UPDATE ON webhook_endpoints, webhook_lanes, webhook_positions TO rooftop_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON webhook_secrets, webhook_deliveries, webhook_attempts TO rooftop_app;
GRANT SELECT ON webhook_lanes, webhook_positions TO rooftop_sequencer;

-- process_present tells whether the process that holds this presence is connected: it keeps an advisory lock for as long as
-- it lives, so that what a killed process held is free at once.
-- +goose StatementBegin
CREATE FUNCTION process_present(presence integer) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = 1919905652 AND objid = presence::oid
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted)
$$;
-- +goose StatementEnd

-- webhook_backlog names accounts with events that were not yet turned into deliveries.
-- +goose StatementBegin
CREATE FUNCTION webhook_backlog(max_accounts integer) RETURNS SETOF uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT p.account_id FROM webhook_positions p JOIN event_heads h ON h.account_id = p.account_id
    WHERE h.position > p.position LIMIT max_accounts
$$;
-- +goose StatementEnd

-- webhook_orphans names endpoints whose sender is gone, or whose job was taken by a process that died before it began.
-- +goose StatementBegin
CREATE FUNCTION webhook_orphans(at_time timestamptz, queued_before timestamptz) RETURNS TABLE (account uuid, endpoint uuid)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT account_id, endpoint_id FROM webhook_lanes
    WHERE (queued_at IS NOT NULL OR holder IS NOT NULL)
      AND (queued_at < queued_before OR held_until < at_time OR (holder <> 0 AND NOT process_present(holder)))
    LIMIT 200
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION process_present(integer), webhook_backlog(integer), webhook_orphans(timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION process_present(integer), webhook_backlog(integer), webhook_orphans(timestamptz, timestamptz) TO rooftop_app;
GRANT EXECUTE ON FUNCTION process_present(integer) TO rooftop_sequencer;
ALTER FUNCTION webhook_backlog(integer) OWNER TO rooftop_sequencer;
ALTER FUNCTION webhook_orphans(timestamptz, timestamptz) OWNER TO rooftop_sequencer;
