package pgcluster

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Description is what an operator wants to know of the private Postgres. It holds no secret.
type Description struct {
	Binaries Binaries
	DataDir  string // as configured
	Home     string // where the data are; differs when DataDir cannot be reached by User
	User     string // whom Postgres runs as
	PID      int    // 0 when it does not run
	Address  string // socket or host:port
	LogFile  string
	State    State
}

// Describe looks at the cluster now. Binaries are those a restart would use.
func (c *Cluster) Describe(ctx context.Context) Description {
	c.mu.Lock()
	found, where, state := c.binaries, c.address, c.state
	c.mu.Unlock()
	if found.Dir == "" { // adopted
		found, _ = find(ctx, c.cfg, c.place)
	}
	d := Description{
		Binaries: found, DataDir: c.place.dataDir, Home: c.place.home, User: c.place.account.title(),
		Address: where.String(), LogFile: c.place.logFile(), State: state,
	}
	if pm, ok := c.place.postmaster(); ok {
		d.PID = pm.pid
	}
	return d
}

// Version is that of the server, as Postgres prints it, and its major part.
func (c *Cluster) Version(ctx context.Context) (version string, major int, err error) {
	conn, err := pgx.Connect(ctx, c.URL("postgres"))
	if err != nil {
		return "", 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // the connection is only thrown away
	err = conn.QueryRow(ctx, "SELECT split_part(current_setting('server_version'), ' ', 1), current_setting('server_version_num')::int / 10000").Scan(&version, &major)
	return version, major, err
}

// String is one line for `rooftop doctor`.
func (d Description) String() string {
	return fmt.Sprintf("private Postgres %s (%s, from %s) %s, pid %d, user %s, at %s, data in %s, log in %s",
		d.Binaries.Version, d.Binaries.Dir, d.Binaries.Source, d.State, d.PID, d.User, d.Address, d.Home, d.LogFile)
}
