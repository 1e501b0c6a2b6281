-- A search of contacts narrows, sorts and counts inside the function, and looks at the next few before it asks the index for all,
-- as that of leads does. In both a word of one or two characters is looked for where words begin: a trigram index knows these,
-- and anywhere in a text it can only read everything.

-- +goose Up

-- +goose StatementBegin
-- search_condition is the condition on a search text that stands for a pattern: LIKE syntax, or, without the first %, the
-- beginning of a word. The characters before a word are listed since the index cannot use a class of thousands.
CREATE FUNCTION search_condition(text_column text, pattern text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN starts_with(pattern, '%') THEN format(' AND %s LIKE %L', text_column, pattern)
        ELSE format(' AND %s ~ %L', text_column, '(^|[- .,;:/#@_+&''"()])' || rtrim(pattern, '%')) END
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION search_condition(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_condition(text, text) TO rooftop_search;

DROP FUNCTION search_contacts(text[], timestamptz, uuid, boolean, integer);

-- search_contacts pages through the contacts whose search text holds every pattern, by their creation or, with by_update, their
-- last change. among narrows to these contacts. More rows than a page has are for counting: they come in no order. LIKE is not
-- leakproof, so row security would keep it off the trigram index: the function runs as a role of its own and reads the account
-- itself.
-- +goose StatementBegin
CREATE FUNCTION search_contacts(
    patterns text[], owner uuid, only_kind text, among uuid[], created_from timestamptz, created_before timestamptz,
    updated_from timestamptz, updated_before timestamptz,
    by_update boolean, after_at timestamptz, after_id uuid, ascending boolean, max_rows integer)
RETURNS TABLE (id uuid)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    account uuid := nullif(current_setting('app.account_id', true), '')::uuid;
    place   text := ' c.account_id = $1 AND c.deleted_at IS NULL'; -- what the index of the order can follow
    sql     text := '';
    created text := '';
    updated text := '';
    stamp   text := CASE WHEN by_update THEN 'c.updated_at' ELSE 'c.created_at' END;
    sorted  text := format(CASE WHEN ascending THEN ' ORDER BY %s, c.id' ELSE ' ORDER BY %s DESC, c.id DESC' END, stamp);
    ids     uuid[];
    p       text;
BEGIN
    IF account IS NULL THEN RETURN; END IF;
    FOREACH p IN ARRAY patterns LOOP
        sql := sql || search_condition('c.search', p);
    END LOOP;
    IF owner IS NOT NULL THEN sql := sql || ' AND c.owner_id = $2'; END IF;
    IF only_kind IS NOT NULL THEN sql := sql || ' AND c.kind = $3'; END IF;
    IF among IS NOT NULL THEN sql := sql || ' AND c.id = ANY ($4)'; END IF;
    IF created_from IS NOT NULL THEN created := created || ' AND c.created_at >= $5'; END IF;
    IF created_before IS NOT NULL THEN created := created || ' AND c.created_at < $6'; END IF;
    IF updated_from IS NOT NULL THEN updated := updated || ' AND c.updated_at >= $7'; END IF;
    IF updated_before IS NOT NULL THEN updated := updated || ' AND c.updated_at < $8'; END IF;
    IF by_update THEN
        place := place || updated;
        sql := sql || created;
    ELSE
        place := place || created;
        sql := sql || updated;
    END IF;
    IF after_at IS NOT NULL THEN
        place := place || format(CASE WHEN ascending THEN ' AND (%s, c.id) > ($9, $10)' ELSE ' AND (%s, c.id) < ($9, $10)' END, stamp);
    END IF;
    IF max_rows <= 500 AND among IS NULL THEN
        -- Many contacts hold a common word: then a page is among the next few. What is rare the search index finds at once.
        EXECUTE 'SELECT array_agg(f.id) FROM (SELECT c.id FROM (SELECT * FROM contacts c WHERE' || place || sorted || ' LIMIT 2000) c WHERE true'
            || sql || sorted || ' LIMIT $11) f'
        INTO ids USING account, owner, only_kind, among, created_from, created_before, updated_from, updated_before, after_at, after_id, max_rows;
        IF cardinality(ids) = max_rows THEN
            RETURN QUERY SELECT * FROM unnest(ids);
            RETURN;
        END IF;
    END IF;
    -- OFFSET 0 keeps the order from tempting the planner to walk all contacts in it.
    RETURN QUERY EXECUTE 'SELECT c.id FROM (SELECT c.id, c.created_at, c.updated_at FROM contacts c WHERE' || place || sql || ' OFFSET 0) c'
        || CASE WHEN max_rows <= 500 THEN sorted ELSE '' END || ' LIMIT $11'
        USING account, owner, only_kind, among, created_from, created_before, updated_from, updated_before, after_at, after_id, max_rows;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION search_contacts(text[], uuid, text, uuid[], timestamptz, timestamptz, timestamptz, timestamptz, boolean, timestamptz, uuid, boolean, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_contacts(text[], uuid, text, uuid[], timestamptz, timestamptz, timestamptz, timestamptz, boolean, timestamptz, uuid, boolean, integer) TO rooftop_app;
ALTER FUNCTION search_contacts(text[], uuid, text, uuid[], timestamptz, timestamptz, timestamptz, timestamptz, boolean, timestamptz, uuid, boolean, integer) OWNER TO rooftop_search;

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
        sql := sql || search_condition('l.search', p);
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
    RETURN QUERY EXECUTE 'SELECT l.* FROM (SELECT l.id, l.created_at FROM leads l WHERE' || place || sql || ' OFFSET 0) l' X
        USING account, statuses, dealerships, assignees, own_or_free, sources, types, channels, contact,
        created_from, created_before, updated_from, updated_before, only_test, after_at, after_id, max_rows;
END $$;
-- +goose StatementEnd
