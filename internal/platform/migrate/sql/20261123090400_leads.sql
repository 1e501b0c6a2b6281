-- Leads, their history, the inbox of raw documents, and the projection that partners read.

-- +goose Up

-- Every inbound document, kept verbatim before it is parsed. The bytes are in inbox_parts.
CREATE TABLE inbox (
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    id              uuid        NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    kind            text        NOT NULL, -- adf
    state           text        NOT NULL CHECK (state IN ('received', 'accepted', 'quarantined', 'rejected')),
    media_type      text        NOT NULL DEFAULT '',
    size_bytes      bigint      NOT NULL,
    sha256          bytea       NOT NULL,
    dealership_id   uuid, -- named by the caller; null when the document must tell
    partner_id      uuid,
    credential_id   uuid        NOT NULL,
    actor           jsonb       NOT NULL, -- who handed it in, to finish the work in that name
    idempotency_key text,
    fingerprint     bytea,
    error_code      text        NOT NULL DEFAULT '',
    error_detail    text        NOT NULL DEFAULT '',
    warnings        jsonb       NOT NULL DEFAULT '[]',
    lead_ids        uuid[]      NOT NULL DEFAULT '{}',
    answer_status   integer, -- the stored answer, given again to whoever comes second
    answer          bytea,
    received_at     timestamptz NOT NULL,
    processed_at    timestamptz,
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE UNIQUE INDEX inbox_idempotency_key ON inbox (account_id, credential_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX inbox_received_idx ON inbox (account_id, received_at DESC, id DESC);
CREATE INDEX inbox_state_idx ON inbox (account_id, state, received_at DESC, id DESC);

-- The bytes of a document in parts of at most 1 MiB, so that a large one is never held twice in memory.
-- revision 0 is what was received; higher ones are corrections by hand.
CREATE TABLE inbox_parts (
    account_id uuid    NOT NULL,
    inbox_id   uuid    NOT NULL,
    revision   integer NOT NULL DEFAULT 0,
    part       integer NOT NULL,
    body       bytea   NOT NULL,
    PRIMARY KEY (account_id, inbox_id, revision, part),
    FOREIGN KEY (account_id, inbox_id) REFERENCES inbox (account_id, id) ON DELETE CASCADE
);

CREATE TABLE leads (
    account_id      uuid        NOT NULL REFERENCES accounts (id),
    id              uuid        NOT NULL,
    version         bigint      NOT NULL DEFAULT 1,
    dealership_id   uuid        NOT NULL,
    contact_id      uuid        NOT NULL,
    type            text        NOT NULL CHECK (type IN ('sales', 'test_drive', 'trade_in', 'finance', 'service', 'parts', 'general')),
    channel         text        NOT NULL CHECK (channel IN ('web', 'email', 'phone', 'chat', 'walk_in', 'oem', 'portal')),
    status          text        NOT NULL CHECK (status IN ('new', 'assigned', 'contact_attempted', 'in_contact', 'appointment_set',
                                                           'visited', 'offer', 'postponed', 'won', 'lost', 'invalid')),
    status_reason   text        NOT NULL DEFAULT '',
    source          text        NOT NULL DEFAULT '',
    partner_id      uuid, -- the partner that sent it
    assignee_id     uuid,
    duplicate_of    uuid, -- the first lead of the same enquiry, when another source sent this one
    inbox_id        uuid,
    content_hash    bytea, -- of what was asked, for the 24 h rule
    test            boolean     NOT NULL DEFAULT false,
    score           integer,
    requested_at    timestamptz,
    received_at     timestamptz NOT NULL,
    viewed_at       timestamptz,
    postponed_until timestamptz,
    closed_at       timestamptz,
    won_vin         text        NOT NULL DEFAULT '',
    order_number    text        NOT NULL DEFAULT '',
    sold_at         timestamptz,
    details         jsonb       NOT NULL DEFAULT '{}', -- what is read with the lead and never filtered by: vehicles, comments, answers …
    search          text        NOT NULL DEFAULT '',   -- folded contact, vehicles, VIN, references
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT leads_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id),
    CONSTRAINT leads_contact_fkey FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id),
    CONSTRAINT leads_assignee_fkey FOREIGN KEY (account_id, assignee_id) REFERENCES users (account_id, id),
    CONSTRAINT leads_duplicate_fkey FOREIGN KEY (account_id, duplicate_of) REFERENCES leads (account_id, id),
    CONSTRAINT leads_inbox_fkey FOREIGN KEY (account_id, inbox_id) REFERENCES inbox (account_id, id),
    CONSTRAINT leads_won_needs_vin_check CHECK (status <> 'won' OR ((won_vin <> '' OR order_number <> '') AND sold_at IS NOT NULL)),
    CONSTRAINT leads_closed_needs_reason_check CHECK (status NOT IN ('lost', 'invalid') OR status_reason <> ''),
    CONSTRAINT leads_postponed_needs_date_check CHECK (status <> 'postponed' OR postponed_until IS NOT NULL)
);
CREATE INDEX leads_created_idx ON leads (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_updated_idx ON leads (account_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_status_idx ON leads (account_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_dealership_idx ON leads (account_id, dealership_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_assignee_idx ON leads (account_id, assignee_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_source_idx ON leads (account_id, source, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_type_idx ON leads (account_id, type, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX leads_contact_idx ON leads (account_id, contact_id, created_at DESC, id DESC);
CREATE INDEX leads_search_idx ON leads USING gin (account_id, search gin_trgm_ops) WITH (fastupdate = off);

-- A sender's id names one lead of the account for ever, also after a delete: a retry years later makes no second lead.
CREATE TABLE lead_refs (
    account_id  uuid NOT NULL,
    source      text NOT NULL,
    external_id text NOT NULL,
    lead_id     uuid NOT NULL,
    CONSTRAINT lead_refs_key PRIMARY KEY (account_id, source, external_id),
    FOREIGN KEY (account_id, lead_id) REFERENCES leads (account_id, id) ON DELETE CASCADE
);
CREATE INDEX lead_refs_lead_idx ON lead_refs (account_id, lead_id);

-- Every move of a lead: who, when, from, to, why.
CREATE TABLE lead_history (
    account_id  uuid        NOT NULL,
    lead_id     uuid        NOT NULL,
    id          uuid        NOT NULL,
    at          timestamptz NOT NULL,
    kind        text        NOT NULL, -- created, status, assignment, touch, viewed
    from_status text        NOT NULL DEFAULT '',
    to_status   text        NOT NULL DEFAULT '',
    from_assignee uuid,
    to_assignee   uuid,
    reason      text        NOT NULL DEFAULT '',
    note        text        NOT NULL DEFAULT '',
    actor_type  text        NOT NULL,
    actor_id    uuid,
    actor_name  text        NOT NULL DEFAULT '',
    PRIMARY KEY (account_id, lead_id, id),
    FOREIGN KEY (account_id, lead_id) REFERENCES leads (account_id, id) ON DELETE CASCADE
);

-- What a partner reads across accounts, written in the lead's own transaction.
CREATE TABLE partner_leads (
    account_id    uuid        NOT NULL,
    partner_id    uuid        NOT NULL,
    lead_id       uuid        NOT NULL,
    dealership_id uuid        NOT NULL,
    status        text        NOT NULL,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, partner_id, lead_id),
    FOREIGN KEY (account_id, lead_id) REFERENCES leads (account_id, id) ON DELETE CASCADE
);
CREATE INDEX partner_leads_created_idx ON partner_leads (partner_id, created_at DESC, lead_id DESC);
CREATE INDEX partner_leads_updated_idx ON partner_leads (partner_id, updated_at DESC, lead_id DESC);
CREATE INDEX partner_leads_lead_idx ON partner_leads (partner_id, lead_id);

-- Documents of a partner that name no dealership we could find. Kept under the partner, since no account is known.
CREATE TABLE partner_inbox (
    partner_id    uuid        NOT NULL REFERENCES partners (id),
    id            uuid        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('received', 'quarantined', 'rejected')),
    media_type    text        NOT NULL DEFAULT '',
    size_bytes    bigint      NOT NULL,
    sha256        bytea       NOT NULL,
    body          bytea       NOT NULL,
    credential_id uuid        NOT NULL,
    error_code    text        NOT NULL DEFAULT '',
    error_detail  text        NOT NULL DEFAULT '',
    received_at   timestamptz NOT NULL,
    PRIMARY KEY (partner_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['inbox', 'inbox_parts', 'leads', 'lead_refs', 'lead_history', 'partner_leads'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY partner ON partner_leads FOR SELECT
    USING (partner_id = (SELECT nullif(current_setting('app.partner_id', true), '')::uuid));
ALTER TABLE partner_inbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_inbox FORCE ROW LEVEL SECURITY;
CREATE POLICY partner ON partner_inbox
    USING (partner_id = (SELECT nullif(current_setting('app.partner_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON partner_inbox TO rooftop_app;
CREATE POLICY search ON leads FOR SELECT TO rooftop_search USING (true);
GRANT SELECT ON leads TO rooftop_search;

-- search_leads pages through the leads whose search text holds every pattern (LIKE syntax) and that pass the filters;
-- a null filter does not filter. LIKE is not leakproof, so row security would keep it off the trigram index: the function
-- runs as a role of its own and reads the account itself. own_or_free narrows to the leads of a user and those of nobody.
-- +goose StatementBegin
CREATE FUNCTION search_leads(
    patterns text[], statuses text[], dealerships uuid[], assignees uuid[], own_or_free uuid, sources text[], types text[],
    channels text[], contact uuid, created_from timestamptz, created_before timestamptz, updated_from timestamptz,
    updated_before timestamptz, only_test boolean,
    after_at timestamptz, after_id uuid, ascending boolean, max_rows integer)
RETURNS TABLE (id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    account uuid := nullif(current_setting('app.account_id', true), '')::uuid;
    sql     text := 'SELECT l.id, l.created_at FROM leads l WHERE l.account_id = $1 AND l.deleted_at IS NULL';
    p       text;
BEGIN
    IF account IS NULL THEN RETURN; END IF;
    FOREACH p IN ARRAY patterns LOOP
        sql := sql || format(' AND l.search LIKE %L', p);
    END LOOP;
    IF statuses IS NOT NULL THEN sql := sql || ' AND l.status = ANY ($2)'; END IF;
    IF dealerships IS NOT NULL THEN sql := sql || ' AND l.dealership_id = ANY ($3)'; END IF;
    IF assignees IS NOT NULL THEN sql := sql || ' AND l.assignee_id = ANY ($4)'; END IF;
    IF own_or_free IS NOT NULL THEN sql := sql || ' AND (l.assignee_id = $5 OR l.assignee_id IS NULL)'; END IF;
    IF sources IS NOT NULL THEN sql := sql || ' AND l.source = ANY ($6)'; END IF;
    IF types IS NOT NULL THEN sql := sql || ' AND l.type = ANY ($7)'; END IF;
    IF channels IS NOT NULL THEN sql := sql || ' AND l.channel = ANY ($8)'; END IF;
    IF contact IS NOT NULL THEN sql := sql || ' AND l.contact_id = $9'; END IF;
    IF created_from IS NOT NULL THEN sql := sql || ' AND l.created_at >= $10'; END IF;
    IF created_before IS NOT NULL THEN sql := sql || ' AND l.created_at < $11'; END IF;
    IF updated_from IS NOT NULL THEN sql := sql || ' AND l.updated_at >= $12'; END IF;
    IF updated_before IS NOT NULL THEN sql := sql || ' AND l.updated_at < $13'; END IF;
    IF only_test IS NOT NULL THEN sql := sql || ' AND l.test = $14'; END IF;
    IF after_at IS NOT NULL THEN
        sql := sql || CASE WHEN ascending THEN ' AND (l.created_at, l.id) > ($15, $16)' ELSE ' AND (l.created_at, l.id) < ($15, $16)' END;
    END IF;
    sql := sql || CASE WHEN ascending THEN ' ORDER BY l.created_at, l.id' ELSE ' ORDER BY l.created_at DESC, l.id DESC' END || ' LIMIT $17';
    RETURN QUERY EXECUTE sql USING account, statuses, dealerships, assignees, own_or_free, sources, types, channels, contact,
        created_from, created_before, updated_from, updated_before, only_test, after_at, after_id, max_rows;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION search_leads FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_leads TO rooftop_app;
ALTER FUNCTION search_leads OWNER TO rooftop_search;
