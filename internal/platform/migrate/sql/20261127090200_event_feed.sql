-- What readers of the event order need: where an event happened, word of new numbers, and an end to the log's growth.

-- +goose Up
ALTER TABLE events ADD COLUMN dealership_id uuid; -- where the resource was after the change; null when it is at none

GRANT DELETE ON events TO rooftop_sequencer;

-- sequence_events as before; now it also tells who listens which accounts have new numbers, and up to which. Only this
-- one function notifies, one run at a time: the lock that a commit with a notification takes holds up no writer.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION sequence_events(max_events integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    numbered integer;
    told     integer;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('rooftop.sequence_events', 0)) THEN
        RETURN -1;
    END IF;
    WITH batch AS MATERIALIZED (
        SELECT e.account_id, e.id, e.serial,
               row_number() OVER (PARTITION BY e.account_id ORDER BY e.serial) AS n
        FROM (SELECT account_id, id, serial FROM events WHERE position IS NULL ORDER BY serial LIMIT max_events) e
    ), counts AS (
        SELECT account_id, count(*) AS added FROM batch GROUP BY account_id
    ), heads AS (
        INSERT INTO event_heads AS h (account_id, position)
        SELECT account_id, added FROM counts
        ON CONFLICT (account_id) DO UPDATE SET position = h.position + excluded.position
        RETURNING h.account_id, h.position
    ), done AS (
        UPDATE events e
        SET position = heads.position - counts.added + batch.n
        FROM batch, heads, counts
        WHERE e.account_id = batch.account_id AND e.id = batch.id
          AND heads.account_id = batch.account_id AND counts.account_id = batch.account_id
        RETURNING e.account_id, e.position
    ), last AS (
        SELECT account_id, max(position) AS position, count(*) AS n FROM done GROUP BY account_id
    )
    SELECT coalesce(sum(n), 0), count(pg_notify('rooftop_events', account_id || ' ' || position)) INTO numbered, told FROM last;
    RETURN numbered;
END $$;
-- +goose StatementEnd

-- event_positions tells how far the order of each of these accounts has come: for a process that could not listen.
-- +goose StatementBegin
CREATE FUNCTION event_positions(accounts uuid[]) RETURNS TABLE (account uuid, last_position bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT account_id, position FROM event_heads WHERE account_id = ANY (accounts)
$$;
-- +goose StatementEnd

-- event_position_before finds a number that every event since a time comes after, in a few steps. Numbers follow the
-- commits, times the changes: an hour's grace covers any transaction between the two. 0 or the pruned end when there is none.
-- +goose StatementBegin
CREATE FUNCTION event_position_before(wanted uuid, since timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE SET search_path = public, pg_temp AS $$
DECLARE
    low    bigint;
    high   bigint;
    middle bigint;
    at     timestamptz;
BEGIN
    SELECT pruned_to, position + 1 INTO low, high FROM event_heads WHERE account_id = wanted;
    IF low IS NULL THEN
        RETURN 0;
    END IF;
    WHILE high - low > 1 LOOP
        middle := (low + high) / 2;
        SELECT occurred_at INTO at FROM events WHERE account_id = wanted AND position = middle;
        IF at < since - interval '1 hour' THEN
            low := middle;
        ELSE
            high := middle;
        END IF;
    END LOOP;
    RETURN low;
END $$;
-- +goose StatementEnd

-- prune_events forgets the events of every account that are older than a time, some at a time, from the front of the
-- order, and says how far it went in the same transaction. It returns how many it deleted.
-- +goose StatementBegin
CREATE FUNCTION prune_events(older_than timestamptz, max_events integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    head    record;
    upto    bigint;
    gone    integer;
    deleted integer := 0;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('rooftop.prune_events', 0)) THEN
        RETURN 0;
    END IF;
    FOR head IN
        SELECT h.account_id, h.pruned_to FROM event_heads h
        JOIN events e ON e.account_id = h.account_id AND e.position = h.pruned_to + 1
        WHERE e.occurred_at < older_than - interval '1 hour'
    LOOP
        upto := least(event_position_before(head.account_id, older_than), head.pruned_to + max_events - deleted);
        CONTINUE WHEN upto <= head.pruned_to;
        UPDATE event_heads SET pruned_to = upto WHERE account_id = head.account_id;
        DELETE FROM events WHERE account_id = head.account_id AND position > head.pruned_to AND position <= upto;
        GET DIAGNOSTICS gone = ROW_COUNT;
        deleted := deleted + gone;
        EXIT WHEN deleted >= max_events;
    END LOOP;
    RETURN deleted;
END $$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION event_positions(uuid[]), event_position_before(uuid, timestamptz), prune_events(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_positions(uuid[]), event_position_before(uuid, timestamptz), prune_events(timestamptz, integer) TO rooftop_app;
GRANT EXECUTE ON FUNCTION event_position_before(uuid, timestamptz) TO rooftop_sequencer;
ALTER FUNCTION event_positions(uuid[]) OWNER TO rooftop_sequencer;
ALTER FUNCTION prune_events(timestamptz, integer) OWNER TO rooftop_sequencer;
