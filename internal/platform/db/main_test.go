package db_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

const schema = `
create table notes (
	account_id uuid not null, id uuid not null, partner_id uuid, body text not null, n int not null default 0,
	at timestamptz, tags text[] not null default '{}', data jsonb,
	primary key (account_id, id),
	constraint notes_body_key unique (account_id, body),
	constraint notes_n_check check (n >= 0)
);
create table children (
	account_id uuid not null, id uuid not null, note_id uuid not null,
	primary key (account_id, id),
	constraint children_note_fk foreign key (account_id, note_id) references notes deferrable initially deferred
);
create table settings (name text primary key, value text not null);
do $$ declare t text; begin
	foreach t in array array['notes', 'children'] loop
		execute format('alter table %I enable row level security', t);
		execute format('alter table %I force row level security', t);
		execute format($p$create policy account on %I using (account_id =
			(select nullif(current_setting('app.account_id', true), '')::uuid))$p$, t);
	end loop;
end $$;
create policy partner on notes for select using (partner_id =
	(select nullif(current_setting('app.partner_id', true), '')::uuid));
`

var (
	ownerURL string // the superuser, in the test database
	appURL   string // the server's role: no owner, no superuser, NOBYPASSRLS
)

func TestMain(m *testing.M) { os.Exit(runWithDatabase(m)) }

func runWithDatabase(m *testing.M) int {
	ctx := context.Background()
	base := os.Getenv("ROOFTOP_TEST_DATABASE_URL")
	if base == "" {
		base = "postgres://postgres@127.0.0.1:54999/postgres"
	}
	admin, err := pgx.Connect(ctx, base)
	if err != nil {
		fmt.Fprintln(os.Stderr, "no Postgres for the tests:", err)
		return 1
	}
	defer admin.Close(ctx)
	name := fmt.Sprintf("dbtest_%d_%d", os.Getpid(), time.Now().UnixNano())
	role := name + "_app"
	must := func(conn *pgx.Conn, sql string) {
		if err == nil {
			_, err = conn.Exec(ctx, sql)
		}
	}
	must(admin, "create database "+name)
	must(admin, "create role "+role+" login nosuperuser nobypassrls password 'test'")
	defer func() {
		_, _ = admin.Exec(ctx, "drop database "+name+" with (force)")
		_, _ = admin.Exec(ctx, "drop role "+role)
	}()
	u, _ := url.Parse(base)
	u.Path = name
	ownerURL = u.String()
	u.User = url.UserPassword(role, "test")
	appURL = u.String()
	if err == nil {
		var owner *pgx.Conn
		if owner, err = pgx.Connect(ctx, ownerURL); err == nil {
			must(owner, schema)
			must(owner, "grant all on all tables in schema public to "+role)
			_ = owner.Close(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare the test database:", err)
		return 1
	}
	return m.Run()
}

// note is a row of a tenant table.
type note struct {
	AccountID kernel.AccountID `gorm:"type:uuid;primaryKey"`
	ID        kernel.LeadID    `gorm:"type:uuid;primaryKey"`
	PartnerID *kernel.PartnerID
	Body      string
	N         int
	At        *time.Time
}

func (note) TableName() string { return "notes" }

func newNote(account kernel.AccountID, body string) note {
	return note{AccountID: account, ID: kernel.NewID[kernel.LeadID](), Body: body}
}

func newAccount() kernel.AccountID { return kernel.NewID[kernel.AccountID]() }

const insertNote = `insert into notes (account_id, id, body) values ($1, $2, $3)`

func noteArgs(account kernel.AccountID, body string) []any {
	return []any{account, kernel.NewID[kernel.LeadID](), body}
}

// open opens a database with the server's role, changed by the options.
func open(t testing.TB, change ...func(*db.Config)) *db.DB {
	t.Helper()
	cfg := db.Config{URL: appURL, MaxConns: 4}
	for _, c := range change {
		c(&cfg)
	}
	d, err := db.Open(context.Background(), cfg)
	require.NoError(t, err)
	t.Cleanup(d.Close)
	return d
}

func onePerPool(c *db.Config) { c.MaxConns = 1 }

// bodies are the bodies of the account's notes, in order.
func bodies(t testing.TB, d *db.DB, account kernel.AccountID) []string {
	t.Helper()
	return bodiesIn(context.Background(), t, d, account)
}

// bodiesIn is bodies in a context's transaction.
func bodiesIn(ctx context.Context, t testing.TB, d *db.DB, account kernel.AccountID) []string {
	t.Helper()
	found := []string{}
	require.NoError(t, d.Query(ctx, account, "select body from notes where account_id = $1 order by body", []any{account},
		func(r db.Rows) error {
			var b string
			err := r.Scan(&b)
			found = append(found, b)
			return err
		}))
	return found
}

// requireClean looks at the raw connections: none keeps a tenant or a transaction.
func requireClean(t testing.TB, d *db.DB) {
	t.Helper()
	ctx := context.Background()
	for _, conn := range d.Pool().AcquireAllIdle(ctx) {
		require.Equal(t, byte('I'), conn.Conn().PgConn().TxStatus())
		var account, partner *string
		require.NoError(t, conn.Conn().QueryRow(ctx,
			"select nullif(current_setting('app.account_id', true), ''), nullif(current_setting('app.partner_id', true), '')").
			Scan(&account, &partner))
		require.Nil(t, account)
		require.Nil(t, partner)
		conn.Release()
	}
}

// wire counts the messages that ask the server for an answer, read off the bytes.
type wire struct{ syncs atomic.Int64 }

func (w *wire) config(c *db.Config) {
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		return &counted{Conn: conn, wire: w}, err
	}
}

// during is the number of Syncs fn sends.
func (w *wire) during(fn func()) int64 {
	before := w.syncs.Load()
	fn()
	return w.syncs.Load() - before
}

type counted struct {
	net.Conn
	wire    *wire
	started bool
	pending []byte
}

func (c *counted) SyscallConn() (syscall.RawConn, error) {
	return c.Conn.(syscall.Conn).SyscallConn()
}

func (c *counted) Write(b []byte) (int, error) {
	c.pending = append(c.pending, b...)
	for {
		head := 1
		if !c.started {
			head = 0 // the first packets have no type
		}
		if len(c.pending) < head+8 && (!c.started || len(c.pending) < head+4) {
			break
		}
		size := head + int(binary.BigEndian.Uint32(c.pending[head:]))
		if len(c.pending) < size {
			break
		}
		if !c.started {
			c.started = binary.BigEndian.Uint32(c.pending[4:])>>16 == 3 // not an SSLRequest
		} else if c.pending[0] == 'S' {
			c.wire.syncs.Add(1)
		}
		c.pending = c.pending[size:]
	}
	return c.Conn.Write(b)
}
