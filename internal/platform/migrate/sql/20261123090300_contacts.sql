-- Contacts and what they are found by.

-- +goose Up
CREATE TABLE contacts (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    kind          text        NOT NULL CHECK (kind IN ('person', 'company')),
    civility      text        NOT NULL DEFAULT '',
    first_name    text        NOT NULL DEFAULT '',
    last_name     text        NOT NULL DEFAULT '',
    full_name     text        NOT NULL DEFAULT '',
    company_name  text        NOT NULL DEFAULT '',
    emails        jsonb       NOT NULL DEFAULT '[]',
    phones        jsonb       NOT NULL DEFAULT '[]',
    addresses     jsonb       NOT NULL DEFAULT '[]',
    language      text        NOT NULL DEFAULT '',
    external_refs jsonb       NOT NULL DEFAULT '[]',
    custom        jsonb       NOT NULL DEFAULT '{}',
    tags          jsonb       NOT NULL DEFAULT '[]',
    owner_id      uuid,
    search        text        NOT NULL DEFAULT '', -- folded names, e-mails, phone digits
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT contacts_owner_fkey FOREIGN KEY (account_id, owner_id) REFERENCES users (account_id, id)
);
CREATE INDEX contacts_created_idx ON contacts (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX contacts_updated_idx ON contacts (account_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX contacts_owner_idx ON contacts (account_id, owner_id, created_at DESC, id DESC) WHERE deleted_at IS NULL AND owner_id IS NOT NULL;
CREATE INDEX contacts_search_idx ON contacts USING gin (account_id, search gin_trgm_ops) WITH (fastupdate = off);

-- One row per normalised e-mail or E.164 phone of a contact that is not deleted: what matching reads.
CREATE TABLE contact_points (
    account_id uuid NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('email', 'phone')),
    value      text NOT NULL,
    contact_id uuid NOT NULL,
    PRIMARY KEY (account_id, kind, value, contact_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_points_contact_idx ON contact_points (account_id, contact_id);

CREATE TABLE contact_refs (
    account_id  uuid NOT NULL,
    source      text NOT NULL,
    external_id text NOT NULL,
    contact_id  uuid NOT NULL,
    CONSTRAINT contact_refs_key PRIMARY KEY (account_id, source, external_id),
    FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_refs_contact_idx ON contact_refs (account_id, contact_id);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['contacts', 'contact_points', 'contact_refs'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY search ON contacts FOR SELECT TO rooftop_search USING (true);
GRANT SELECT ON contacts TO rooftop_search;

-- search_contacts pages through the contacts whose search text holds every pattern (LIKE syntax), newest first or,
-- with ascending, oldest first. LIKE is not leakproof, so row security would keep it off the trigram index: the function
-- runs as a role of its own and reads the account itself.
-- +goose StatementBegin
CREATE FUNCTION search_contacts(patterns text[], after_at timestamptz, after_id uuid, ascending boolean, max_rows integer)
RETURNS TABLE (id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    account uuid := nullif(current_setting('app.account_id', true), '')::uuid;
    sql     text := 'SELECT c.id, c.created_at FROM contacts c WHERE c.account_id = $1 AND c.deleted_at IS NULL';
    p       text;
BEGIN
    IF account IS NULL THEN RETURN; END IF;
    FOREACH p IN ARRAY patterns LOOP
        sql := sql || format(' AND c.search LIKE %L', p);
    END LOOP;
    IF after_at IS NOT NULL THEN
        sql := sql || CASE WHEN ascending THEN ' AND (c.created_at, c.id) > ($2, $3)' ELSE ' AND (c.created_at, c.id) < ($2, $3)' END;
    END IF;
    sql := sql || CASE WHEN ascending THEN ' ORDER BY c.created_at, c.id' ELSE ' ORDER BY c.created_at DESC, c.id DESC' END || ' LIMIT $4';
    RETURN QUERY EXECUTE sql USING account, after_at, after_id, max_rows;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION search_contacts(text[], timestamptz, uuid, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_contacts(text[], timestamptz, uuid, boolean, integer) TO rooftop_app;
ALTER FUNCTION search_contacts(text[], timestamptz, uuid, boolean, integer) OWNER TO rooftop_search;
