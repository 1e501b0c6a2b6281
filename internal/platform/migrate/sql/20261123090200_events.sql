-- The event log and its order. A change writes its event in its own transaction; the sequencer numbers events once they
-- are visible, one run at a time, so that nothing is ever inserted behind a position that was read.

-- +goose Up
CREATE SEQUENCE event_serial;

CREATE TABLE events (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    -- Drawn after the resource's row was locked: for one resource a later change has a higher serial.
    serial        bigint      NOT NULL DEFAULT nextval('event_serial'),
    position      bigint, -- null until sequenced; gapless within the account
    type          text        NOT NULL,
    resource_type text        NOT NULL,
    resource_id   uuid        NOT NULL,
    sequence      bigint      NOT NULL, -- the resource's version after the change
    actor_type    text        NOT NULL,
    actor_id      uuid,
    changed       text[]      NOT NULL DEFAULT '{}',
    data          jsonb,
    occurred_at   timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX events_unnumbered_idx ON events (serial) WHERE position IS NULL;
CREATE UNIQUE INDEX events_position_key ON events (account_id, position) WHERE position IS NOT NULL;
CREATE INDEX events_resource_position_idx ON events (account_id, resource_type, position) WHERE position IS NOT NULL;

CREATE TABLE event_heads (
    account_id uuid PRIMARY KEY REFERENCES accounts (id),
    position   bigint NOT NULL DEFAULT 0, -- the last number given
    pruned_to  bigint NOT NULL DEFAULT 0  -- events up to here are gone
);

ALTER TABLE events ENABLE ROW LEVEL SECURITY;
ALTER TABLE events FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON events USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY sequencer ON events TO rooftop_sequencer USING (true);
ALTER TABLE event_heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_heads FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON event_heads USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY sequencer ON event_heads TO rooftop_sequencer USING (true);

GRANT SELECT, INSERT ON events TO rooftop_app;
GRANT SELECT, INSERT ON event_heads TO rooftop_app;
GRANT USAGE ON SEQUENCE event_serial TO rooftop_app;
GRANT SELECT, UPDATE ON events TO rooftop_sequencer;
GRANT SELECT, INSERT, UPDATE ON event_heads TO rooftop_sequencer;

-- sequence_events numbers up to max_events visible events and returns how many. It returns -1 when another run is
-- under way. The lock is taken in its own statement, so that the numbering sees all that the run before it numbered.
-- +goose StatementBegin
CREATE FUNCTION sequence_events(max_events integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    numbered integer;
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
    )
    UPDATE events e
    SET position = heads.position - counts.added + batch.n
    FROM batch, heads, counts
    WHERE e.account_id = batch.account_id AND e.id = batch.id
      AND heads.account_id = batch.account_id AND counts.account_id = batch.account_id;
    GET DIAGNOSTICS numbered = ROW_COUNT;
    RETURN numbered;
END $$;
-- +goose StatementEnd

-- event_epoch names the history that positions belong to: it changes with a restore, a promotion or a move to another
-- cluster, after which a position may stand for another event.
-- +goose StatementBegin
CREATE FUNCTION event_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT md5((SELECT system_identifier FROM pg_control_system())::text
        || '/' || (SELECT timeline_id FROM pg_control_checkpoint())::text
        || '/' || (SELECT value FROM installation WHERE key = 'epoch'))
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION sequence_events(integer), event_epoch() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sequence_events(integer), event_epoch() TO rooftop_app;
ALTER FUNCTION sequence_events(integer) OWNER TO rooftop_sequencer;
