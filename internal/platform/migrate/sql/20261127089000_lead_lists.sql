-- Lists of leads that narrow by person, and searches for common words, cost the page and not the dealer's leads.

-- +goose Up

-- Own and unassigned leads are what a salesperson lists all day. As the index by dealership it goes on with the status.
CREATE INDEX leads_assignee_status_idx ON leads (account_id, assignee_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL;
DROP INDEX leads_assignee_idx;
-- An index is not read in its order past a column that is null: the leads of nobody need one of their own.
CREATE INDEX leads_unassigned_idx ON leads (account_id, status, created_at DESC, id DESC) WHERE deleted_at IS NULL AND assignee_id IS NULL;
CREATE INDEX leads_test_idx ON leads (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL AND test;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_leads(
    patterns text[], statuses text[], dealerships uuid[], assignees uuid[], own_or_free uuid, sources text[], types text[],
    channels text[], contact uuid, created_from timestamptz, created_before timestamptz, updated_from timestamptz,
    updated_before timestamptz, only_test boolean,
    after_at timestamptz, after_id uuid, ascending boolean, max_rows integer)
RETURNS TABLE (id uuid, created_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    account uuid := nullif(current_setting('app.account_id', true), '')::uuid;
    place   text := ' l.account_id = $1 AND l.deleted_at IS NULL'; -- what the order by creation alone can follow
    sql     text := '';
    sorted  text := CASE WHEN ascending THEN ' ORDER BY l.created_at, l.id' ELSE ' ORDER BY l.created_at DESC, l.id DESC' END;
    ids     uuid[];
    times   timestamptz[];
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
    IF created_from IS NOT NULL THEN place := place || ' AND l.created_at >= $10'; END IF;
    IF created_before IS NOT NULL THEN place := place || ' AND l.created_at < $11'; END IF;
    IF updated_from IS NOT NULL THEN sql := sql || ' AND l.updated_at >= $12'; END IF;
    IF updated_before IS NOT NULL THEN sql := sql || ' AND l.updated_at < $13'; END IF;
    IF only_test IS NOT NULL THEN sql := sql || ' AND l.test = $14'; END IF;
    IF after_at IS NOT NULL THEN
        place := place || CASE WHEN ascending THEN ' AND (l.created_at, l.id) > ($15, $16)' ELSE ' AND (l.created_at, l.id) < ($15, $16)' END;
    END IF;
    -- Many leads hold a common word: then a page is among the next few, at the price of these. What is looked for is rare when
    -- they do not fill it, and then the search index finds all there is. Postgres cannot tell the two apart by itself.
    IF max_rows <= 500 THEN
        EXECUTE 'SELECT array_agg(f.id), array_agg(f.created_at) FROM (SELECT l.id, l.created_at FROM (SELECT * FROM leads l WHERE'
            || place || sorted || ' LIMIT 2000) l WHERE true' || sql || sorted || ' LIMIT $17) f'
        INTO ids, times USING account, statuses, dealerships, assignees, own_or_free, sources, types, channels, contact,
            created_from, created_before, updated_from, updated_before, only_test, after_at, after_id, max_rows;
        IF cardinality(ids) = max_rows THEN
            RETURN QUERY SELECT * FROM unnest(ids, times);
            RETURN;
        END IF;
    END IF;
    -- OFFSET 0 keeps the order from tempting the planner to walk all leads in it.
    RETURN QUERY EXECUTE 'SELECT l.* FROM (SELECT l.id, l.created_at FROM leads l WHERE' || place || sql || ' OFFSET 0) l' || sorted || ' LIMIT $17'
        USING account, statuses, dealerships, assignees, own_or_free, sources, types, channels, contact,
        created_from, created_before, updated_from, updated_before, only_test, after_at, after_id, max_rows;
END $$;
-- +goose StatementEnd
