-- Imports of files that are fetched: what is read from the file is not known until it is there.

-- +goose Up
ALTER TABLE imports
    ADD COLUMN url    text  NOT NULL DEFAULT '', -- without its query
    ADD COLUMN wanted bytea,                     -- sealed: the whole URL and how the file is to be read; null once it is there
    DROP CONSTRAINT imports_format_check,
    ADD CONSTRAINT imports_format_check CHECK (format IN ('csv', 'json') OR format = '' AND wanted IS NOT NULL);
