-- The epoch also changes when a dump is restored within its own cluster: into another database, or over this one.

-- +goose Up
-- event_epoch names the history that positions belong to. A copy of the cluster's files that went its own way has another
-- timeline; a dump that was restored elsewhere has another cluster or another database; one that was restored over its own
-- database has written the row anew, in another transaction. rooftop restore changes the value.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION event_epoch() RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT md5((SELECT system_identifier FROM pg_control_system())::text
        || '/' || (SELECT timeline_id FROM pg_control_checkpoint())::text
        || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())::text
        || '/' || (SELECT xmin::text || '/' || value FROM installation WHERE key = 'epoch'))
$$;
-- +goose StatementEnd
