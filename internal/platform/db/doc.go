// Package db is the one way to Postgres: a pool, gorm and a raw path over it, and the unit of work that joins them.
//
// It owns the tenant setting. Every statement travels in one message with a transaction-local set_config of the account
// and the partner it runs for, so the row security policies see them and nothing is left on the connection afterwards.
// A statement for which nobody named an account is refused here; the policies are the second fence.
//
// It also owns how few messages a transaction takes: BEGIN waits for the first statement, queued statements wait for the
// next one that needs an answer, and COMMIT leaves together with what is still queued.
//
// It leaves the schema to platform/migrate, the rows to the stores, and the meaning of a violated constraint to them too.
package db
