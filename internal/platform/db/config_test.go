package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

func TestConfigNamesWhatIsWrong(t *testing.T) {
	good := db.Config{URL: "postgres://app:secret@127.0.0.1/rooftop"}
	require.NoError(t, good.Validate())
	for name, c := range map[string]struct {
		change func(*db.Config)
		want   string
	}{
		"no url":       {func(c *db.Config) { c.URL = "" }, "URL is missing"},
		"bad url":      {func(c *db.Config) { c.URL = "postgres://app:secret@:bad port/x" }, "cannot be read"},
		"conns":        {func(c *db.Config) { c.MaxConns = -1 }, "max conns -1"},
		"idle":         {func(c *db.Config) { c.MinIdleConns = 13 }, "min idle conns 13"},
		"timeout":      {func(c *db.Config) { c.TxTimeout = -time.Second }, "transaction timeout -1s"},
		"tiny timeout": {func(c *db.Config) { c.StatementTimeout = time.Microsecond }, "statement timeout 1µs"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good
			c.change(&cfg)
			err := cfg.Validate()
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, err.Error(), "secret")
			_, err = db.Open(context.Background(), cfg)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestErrorsAreToldApart(t *testing.T) {
	pg := func(code string) error {
		return fmt.Errorf("store: %w", &pgconn.PgError{Code: code, ConstraintName: "c"})
	}
	for _, c := range []struct {
		err                                      error
		violates, unique, retryable, unavailable bool
	}{
		{err: nil},
		{err: errors.New("other")},
		{err: io.ErrUnexpectedEOF}, // a request body may end so
		{err: context.Canceled},
		{err: db.ErrNoRows},
		{err: pg("23505"), violates: true, unique: true},
		{err: pg("23503"), violates: true},
		{err: pg("23514"), violates: true},
		{err: pg("23P01"), violates: true},
		{err: pg("42501")},
		{err: pg("57014")},
		{err: pg("40P01"), retryable: true},
		{err: pg("40001"), retryable: true},
		{err: pg("57P01"), unavailable: true},
		{err: pg("57P03"), unavailable: true},
		{err: pg("08006"), unavailable: true},
		{err: pg("53300"), unavailable: true},
		{err: pg("25006"), unavailable: true},
		{err: fmt.Errorf("%w: %w", db.ErrUnknownOutcome, pg("57P01")), unavailable: true},
	} {
		t.Run(fmt.Sprint(c.err), func(t *testing.T) {
			require.Equal(t, c.violates, db.Violates(c.err, "c"))
			require.False(t, db.Violates(c.err, "d"))
			require.Equal(t, c.unique, db.IsUniqueViolation(c.err))
			require.Equal(t, c.retryable, db.IsRetryable(c.err))
			require.Equal(t, c.unavailable, db.IsUnavailable(c.err))
		})
	}
}

func TestQueryRow(t *testing.T) {
	d := open(t, onePerPool)
	ctx, account := context.Background(), newAccount()
	var n int
	require.ErrorIs(t, d.QueryRow(ctx, account, "select 1 where false", nil, &n), db.ErrNoRows)
	require.NoError(t, d.QueryRow(ctx, account, "select g from generate_series(5, 9) g", nil, &n))
	require.Equal(t, 5, n)
	require.NoError(t, d.QueryRowControl(ctx, "select 6", nil, &n))
	require.Equal(t, 6, n)
	require.NoError(t, d.QueryControl(ctx, "select 7", nil, func(r db.Rows) error { return r.Scan(&n) }))
	require.Equal(t, 7, n)
	require.Error(t, d.QueryRow(ctx, account, "select 'x'", nil, &n))
	affected, err := d.ExecControl(ctx, "insert into settings values ($1, 'v'), ($2, 'v')", newAccount().String(), newAccount().String())
	require.NoError(t, err)
	require.EqualValues(t, 2, affected)
	require.NoError(t, d.InTx(ctx, func(ctx context.Context) error {
		return d.QueueControl(ctx, "delete from settings", nil, nil, nil)
	}))
	require.ErrorIs(t, d.QueryRowControl(ctx, "select value from settings", nil, new(string)), db.ErrNoRows)
	requireClean(t, d)
}
