package db_test

import (
	"context"
	"encoding/binary"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
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

func TestMain(m *testing.M) { dbtest.Main(m) }

// database is where one test runs.
type database struct {
	owner string // URL of the superuser
	app   string // URL of the server's role: no owner, no superuser, NOBYPASSRLS
}

var (
	databasesMu sync.Mutex
	databases   = map[string]database{} // by the name of the outermost test
)

// here returns the test's database, which it shares with its subtests, and makes it on first use.
func here(t testing.TB) database {
	t.Helper()
	outermost, _, _ := strings.Cut(t.Name(), "/")
	databasesMu.Lock()
	defer databasesMu.Unlock()
	if at, ok := databases[outermost]; ok {
		return at
	}
	at := newDatabase(t)
	databases[outermost] = at
	t.Cleanup(func() {
		databasesMu.Lock()
		defer databasesMu.Unlock()
		delete(databases, outermost)
	})
	return at
}

func newDatabase(t testing.TB) database {
	t.Helper()
	ctx := context.Background()
	at := database{owner: dbtest.Empty(t)}
	u, err := url.Parse(at.owner)
	require.NoError(t, err)
	owner, err := pgx.Connect(ctx, at.owner)
	require.NoError(t, err)
	defer func() { require.NoError(t, owner.Close(ctx)) }()
	var name string
	require.NoError(t, owner.QueryRow(ctx, "select current_database() || '_app'").Scan(&name))
	role := pgx.Identifier{name}.Sanitize()
	u.User = url.UserPassword(name, "test")
	at.app = u.String()
	for _, sql := range []string{
		"create role " + role + " login nosuperuser nobypassrls password 'test'",
		schema,
		"grant all on all tables in schema public to " + role,
	} {
		_, err = owner.Exec(ctx, sql)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		owner, err := pgx.Connect(ctx, at.owner)
		require.NoError(t, err)
		_, err = owner.Exec(ctx, "drop owned by "+role+"; drop role "+role)
		require.NoError(t, err)
		require.NoError(t, owner.Close(ctx))
	})
	return at
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
	cfg := db.Config{URL: here(t).app, MaxConns: 4}
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
