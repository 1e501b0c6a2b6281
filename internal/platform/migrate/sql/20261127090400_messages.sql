-- Mail: what it says, what went out and what came in.

-- +goose Up

-- An account's own wording of a message, in one language, for all of it or for one dealership.
CREATE TABLE message_templates (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    name          text        NOT NULL, -- of the message: user.invitation
    dealership_id uuid, -- null: for all of the account
    language      text        NOT NULL,
    subject       text        NOT NULL,
    text          text        NOT NULL,
    html          text        NOT NULL DEFAULT '', -- '': made from the text
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT message_templates_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE UNIQUE INDEX message_templates_key ON message_templates (account_id, name, dealership_id, language) NULLS NOT DISTINCT WHERE deleted_at IS NULL;
CREATE INDEX message_templates_created_idx ON message_templates (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX message_templates_updated_idx ON message_templates (account_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Every mail that goes out. Its state is what keeps it from going out twice: sending is committed before its first byte
-- leaves, and what is found in that state later is unknown.
CREATE TABLE mails (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    template      text        NOT NULL,
    dealership_id uuid,
    language      text        NOT NULL,
    state         text        NOT NULL CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'unknown', 'bounced')),
    to_name       text        NOT NULL DEFAULT '',
    to_email      text        NOT NULL,
    from_name     text        NOT NULL DEFAULT '',
    from_email    text        NOT NULL,
    subject       text        NOT NULL,
    content       bytea, -- what it says, sealed under the master key; null once it is forgotten
    confidential  boolean     NOT NULL, -- what it says is for its recipient alone
    message_id    text        NOT NULL,
    token         bytea       NOT NULL, -- the secret in the addresses that answers and bounces come to
    answers_id    uuid, -- the incoming message that it answers
    attempts      integer     NOT NULL DEFAULT 0,
    error_stage   text        NOT NULL DEFAULT '',
    error_code    integer     NOT NULL DEFAULT 0,
    error_detail  text        NOT NULL DEFAULT '',
    sent_at       timestamptz,
    bounced_at    timestamptz,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT mails_token_key UNIQUE (account_id, token)
);
CREATE INDEX mails_created_idx ON mails (account_id, created_at DESC, id DESC);
CREATE INDEX mails_updated_idx ON mails (account_id, updated_at DESC, id DESC);
CREATE INDEX mails_state_idx ON mails (account_id, state, created_at DESC, id DESC);
CREATE INDEX mails_to_idx ON mails (account_id, to_email, created_at DESC, id DESC);

-- The addresses that mail comes in at.
CREATE TABLE mail_addresses (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    address       text        NOT NULL, -- in lower case
    purpose       text        NOT NULL CHECK (purpose IN ('intake')),
    label         text        NOT NULL,
    dealership_id uuid, -- null: mail must tell
    source        text        NOT NULL DEFAULT '', -- whom leads that come in here are credited to
    acknowledge   boolean     NOT NULL DEFAULT false,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    deleted_at    timestamptz,
    PRIMARY KEY (account_id, id),
    CONSTRAINT mail_addresses_dealership_fkey FOREIGN KEY (account_id, dealership_id) REFERENCES dealerships (account_id, id)
);
CREATE INDEX mail_addresses_created_idx ON mail_addresses (account_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX mail_addresses_updated_idx ON mail_addresses (account_id, updated_at DESC, id DESC) WHERE deleted_at IS NULL;

-- Whose an address is: asked before an account is known, hence no row security. The row of an address that has ended stays:
-- it never passes to somebody else.
CREATE TABLE mail_routes (
    address    text PRIMARY KEY, -- in lower case
    account_id uuid NOT NULL REFERENCES accounts (id),
    address_id uuid NOT NULL,
    FOREIGN KEY (account_id, address_id) REFERENCES mail_addresses (account_id, id)
);

-- Every mail that came in, one row for each recipient, kept before its sender was told that it was taken.
CREATE TABLE inbound_messages (
    account_id    uuid        NOT NULL REFERENCES accounts (id),
    id            uuid        NOT NULL,
    version       bigint      NOT NULL DEFAULT 1,
    purpose       text        NOT NULL CHECK (purpose IN ('intake', 'reply', 'bounce')),
    state         text        NOT NULL CHECK (state IN ('received', 'handled', 'ignored')),
    kind          text        NOT NULL CHECK (kind IN ('personal', 'auto', 'list', 'no_reply', 'bounce')),
    address_id    uuid, -- of mail_addresses
    mail_id       uuid, -- the mail that it answers, or reports on
    dealership_id uuid,
    recipient     text        NOT NULL,
    sender        text        NOT NULL, -- of the envelope; '' is the null sender
    client_ip     text        NOT NULL DEFAULT '',
    hello         text        NOT NULL DEFAULT '',
    encrypted     boolean     NOT NULL,
    message_id    text        NOT NULL DEFAULT '',
    from_name     text        NOT NULL DEFAULT '',
    from_email    text        NOT NULL DEFAULT '',
    subject       text        NOT NULL DEFAULT '',
    note          text        NOT NULL DEFAULT '', -- why it is in its state
    checks        jsonb, -- SPF, DKIM and DMARC; null until they were made
    size_bytes    bigint      NOT NULL,
    sha256        bytea       NOT NULL,
    dedupe        bytea       NOT NULL, -- the same for the same message to the same recipient
    received_at   timestamptz NOT NULL,
    handled_at    timestamptz,
    updated_at    timestamptz NOT NULL,
    PRIMARY KEY (account_id, id),
    CONSTRAINT inbound_messages_mail_fkey FOREIGN KEY (account_id, mail_id) REFERENCES mails (account_id, id)
);
CREATE INDEX inbound_messages_received_idx ON inbound_messages (account_id, received_at DESC, id DESC);
CREATE INDEX inbound_messages_updated_idx ON inbound_messages (account_id, updated_at DESC, id DESC);
CREATE INDEX inbound_messages_state_idx ON inbound_messages (account_id, state, received_at DESC, id DESC);
CREATE INDEX inbound_messages_dedupe_idx ON inbound_messages (account_id, dedupe, received_at DESC);
CREATE INDEX inbound_messages_mail_idx ON inbound_messages (account_id, mail_id, received_at DESC, id DESC) WHERE mail_id IS NOT NULL;

-- The bytes of a message in parts of at most 1 MiB, so that a large one is never held twice in memory.
CREATE TABLE inbound_message_parts (
    account_id uuid    NOT NULL,
    message_id uuid    NOT NULL,
    part       integer NOT NULL,
    body       bytea   NOT NULL,
    PRIMARY KEY (account_id, message_id, part),
    FOREIGN KEY (account_id, message_id) REFERENCES inbound_messages (account_id, id) ON DELETE CASCADE
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['message_templates', 'mails', 'mail_addresses', 'inbound_messages', 'inbound_message_parts'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY account ON %I USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO rooftop_app', t);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT ON mail_routes TO rooftop_app;
