package db_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// killBackends ends every connection of the server's role and waits until they are gone, as a restart would.
func killBackends(t *testing.T) {
	t.Helper()
	owner := open(t, func(c *db.Config) { c.URL = here(t).owner })
	ctx := context.Background()
	_, err := owner.ExecControl(ctx, "select pg_terminate_backend(pid) from pg_stat_activity where usename = current_database() || '_app'")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		var left int
		require.NoError(t, owner.QueryRowControl(ctx,
			"select count(*) from pg_stat_activity where usename = current_database() || '_app'", nil, &left))
		return left == 0
	}, 10*time.Second, time.Millisecond)
}

func TestIdleConnectionsThatDiedSurfaceNowhere(t *testing.T) {
	w := &wire{}
	for name, change := range map[string]func(*db.Config){
		"socket looked at":                        func(*db.Config) {},
		"through a wrapper that can be looked at": w.config,
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, change)
			account := newAccount()
			for range 3 {
				conns := []interface{ Release() }{}
				for range 4 {
					c, err := d.Pool().Acquire(context.Background())
					require.NoError(t, err)
					conns = append(conns, c)
				}
				for _, c := range conns {
					c.Release()
				}
				require.Equal(t, 4, d.Stats().Idle)
				killBackends(t)
				require.NoError(t, create(context.Background(), d, account, newAccount().String()))
				require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
					return add(ctx, d, account, newAccount().String())
				}))
			}
			require.Len(t, bodies(t, d, account), 6)
		})
	}
}

// blind hides the socket, so that a dead connection is met by the statement itself.
type blind struct{ net.Conn }

func TestStatementThatMetADeadConnectionIsTriedOnce(t *testing.T) {
	d := open(t, onePerPool, func(c *db.Config) {
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			return blind{conn}, err
		}
	})
	account := newAccount()
	for range 3 {
		require.NoError(t, add(context.Background(), d, account, newAccount().String()))
		killBackends(t)
	}
	require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
		return create(ctx, d, account, "x")
	}))
	require.Len(t, bodies(t, d, account), 4)
}

func TestBackendKilledInATransaction(t *testing.T) {
	d := open(t, onePerPool)
	account, tries := newAccount(), 0
	require.NoError(t, d.InTx(context.Background(), func(ctx context.Context) error {
		tries++
		require.NoError(t, queue(ctx, d, account, "x"))
		if err := d.Flush(ctx); err != nil {
			return err
		}
		if tries == 1 {
			killBackends(t)
		}
		return add(ctx, d, account, "y")
	}), "nothing was committed: fn runs again")
	require.Equal(t, 2, tries)
	require.Equal(t, []string{"x", "y"}, bodies(t, d, account))
}

func TestBackendKilledUnderAStatement(t *testing.T) {
	d := open(t, onePerPool)
	failed := make(chan error, 1)
	go func() {
		_, err := d.Exec(context.Background(), newAccount(), "select pg_sleep(30)")
		failed <- err
	}()
	owner := open(t, func(c *db.Config) { c.URL = here(t).owner })
	require.Eventually(t, func() bool {
		n, err := owner.ExecControl(context.Background(), `select pg_terminate_backend(pid) from pg_stat_activity
			where usename = current_database() || '_app' and wait_event = 'PgSleep'`)
		return err == nil && n == 1
	}, 10*time.Second, time.Millisecond)
	err := <-failed
	require.True(t, db.IsUnavailable(err), "%v", err)
	require.False(t, db.IsRetryable(err))
	require.NoError(t, d.Ping(context.Background()))
}

// cut is a connection that dies right after it has sent a message with the given bytes in it, before any answer.
type cut struct {
	net.Conn
	at   []byte
	armd *atomic.Bool
	lost atomic.Bool
}

func (c *cut) SyscallConn() (syscall.RawConn, error) { return c.Conn.(syscall.Conn).SyscallConn() }

func (c *cut) Write(b []byte) (int, error) {
	last := bytes.Contains(b, c.at) && c.armd.CompareAndSwap(true, false)
	if last {
		c.lost.Store(true) // before it is sent: the answer may be quick
	}
	n, err := c.Conn.Write(b)
	if last {
		_ = c.Conn.(interface{ CloseRead() error }).CloseRead() // TCP or a local socket
	}
	return n, err
}

func (c *cut) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if c.lost.Load() {
		return 0, io.EOF
	}
	return n, err
}

func TestConnectionLostDuringTheCommit(t *testing.T) {
	for name, c := range map[string]struct {
		at string
		fn func(ctx context.Context, d *db.DB, a kernel.AccountID) error
	}{
		"explicit": {"\x00r3\x00", func(ctx context.Context, d *db.DB, a kernel.AccountID) error { // r3 is "commit"
			return add(ctx, d, a, "x")
		}},
		"queued only": {"", func(ctx context.Context, d *db.DB, a kernel.AccountID) error {
			return queue(ctx, d, a, "x")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var armed atomic.Bool
			d := open(t, onePerPool, func(cfg *db.Config) {
				cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
					return &cut{Conn: conn, at: []byte(c.at), armd: &armed}, err
				}
			})
			account, tries := newAccount(), 0
			require.NoError(t, add(context.Background(), d, account, "warm"))
			ran := false
			err := d.InTx(context.Background(), func(ctx context.Context) error {
				tries++
				d.AfterCommit(ctx, func() { ran = true })
				defer armed.Store(true)
				return c.fn(ctx, d, account)
			})
			require.ErrorIs(t, err, db.ErrUnknownOutcome)
			require.True(t, db.IsUnavailable(err))
			require.False(t, db.IsRetryable(err))
			require.Equal(t, 1, tries)
			require.False(t, ran)
			require.Eventually(t, func() bool { return len(bodies(t, d, account)) == 2 }, 10*time.Second, 5*time.Millisecond,
				"it was committed all the same")
			requireClean(t, d)
		})
	}
}

func TestNoServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := l.Addr().String()
	require.NoError(t, l.Close())
	d := open(t, func(c *db.Config) { c.URL = "postgres://nobody@" + address + "/none" })
	ctx := context.Background()
	require.True(t, db.IsUnavailable(d.Ping(ctx)))
	require.True(t, db.IsUnavailable(add(ctx, d, newAccount(), "x")))
	require.True(t, db.IsUnavailable(create(ctx, d, newAccount(), "x")))
	tries := 0
	require.True(t, db.IsUnavailable(d.InTx(ctx, func(ctx context.Context) error {
		tries++
		return add(ctx, d, newAccount(), "x")
	})))
	require.Equal(t, 1, tries, "who cannot connect is told so at once")
}

func TestNoConnectionFree(t *testing.T) {
	d := open(t, onePerPool, func(c *db.Config) { c.AcquireTimeout = 500 * time.Millisecond })
	ctx, account := context.Background(), newAccount()
	require.NoError(t, d.InTx(ctx, func(inner context.Context) error {
		require.NoError(t, add(inner, d, account, "x"))
		err := d.QueryRow(ctx, account, "select 1", nil, new(int))
		require.True(t, db.IsUnavailable(err), "%v", err)
		require.Equal(t, 1, d.Stats().InUse)
		return nil
	}))
	require.Positive(t, d.Stats().GivenUp)
}

func TestServerTimeouts(t *testing.T) {
	d := open(t, onePerPool, func(c *db.Config) { c.StatementTimeout = 20 * time.Millisecond })
	_, err := d.Exec(context.Background(), newAccount(), "select pg_sleep(10)")
	require.True(t, code("57014")(err))
	requireClean(t, d)

	d = open(t, func(c *db.Config) { c.StatementTimeout, c.Pooler = 20*time.Millisecond, true })
	var value string
	require.NoError(t, d.QueryRowControl(context.Background(), "select current_setting('statement_timeout')", nil, &value))
	require.Equal(t, "0", value, "left to the role behind a pooler")
}

// TestIdleConnectionWithAReaderLeftOnIt is what pgconn leaves after a slow write: a read that waits on the idle socket.
func TestIdleConnectionWithAReaderLeftOnIt(t *testing.T) {
	d := open(t, onePerPool)
	ctx := context.Background()
	conn, err := d.Pool().Acquire(ctx)
	require.NoError(t, err)
	socket := conn.Conn().PgConn().Conn()
	conn.Release()
	reading := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		raw, err := socket.(syscall.Conn).SyscallConn()
		if err != nil {
			return
		}
		_ = raw.Read(func(uintptr) bool { // holds the socket's read lock until the channel is closed
			<-reading
			return true
		})
	})
	defer reader.Wait()
	defer close(reading)
	acquired := make(chan struct{})
	go func() {
		if c, err := d.Pool().Acquire(ctx); err == nil {
			c.Release()
		}
		close(acquired)
	}()
	select {
	case <-acquired:
	case <-time.After(5 * time.Second):
		t.Fatal("waits behind the reader")
	}
}
