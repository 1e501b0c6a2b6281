package app

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

// Finding is one thing the doctor looked at.
type Finding struct {
	What string
	OK   bool
	Note string // what is there, or what is wrong and how to mend it
}

// maxSkew is how far the clocks of this machine and of Postgres may be apart: tokens are checked to the minute.
const maxSkew = 5 * time.Second

// Doctor looks at the database, the schema, the server's role, the clock, the mail server and the data folder.
func Doctor(ctx context.Context, cfg Config) []Finding {
	out := []Finding{checkDataDir(cfg), checkMasterKey(cfg), checkMail(ctx, cfg)}
	url, migrateURL := cfg.DatabaseURL, cfg.MigrateURL
	if url == "" {
		cluster, err := OpenCluster(ctx, cfg)
		if err != nil {
			return append(out, Finding{"private Postgres", false, err.Error()})
		}
		defer func() { _ = cluster.Close(context.WithoutCancel(ctx)) }()
		out = append(out, Finding{"private Postgres", true, fmt.Sprint(cluster.Describe(ctx))})
		url = cluster.URL(privateDatabase)
	}
	owner := migrateURL
	if owner == "" {
		owner = url
	}
	states, err := migrate.Status(ctx, owner)
	if err != nil {
		return append(out, Finding{"database", false, err.Error() + ". Is Postgres up, and the URL right?"})
	}
	out = append(out, checkMigrations(states))
	serverURL, err := migrate.Prepare(ctx, url, migrateURL)
	if err != nil {
		return append(out, Finding{"server role", false, err.Error()})
	}
	d, err := db.Open(ctx, db.Config{URL: serverURL, MaxConns: 2, Pooler: cfg.Pooler})
	if err != nil {
		return append(out, Finding{"server role", false, err.Error()})
	}
	defer d.Close()
	return append(out, checkRole(ctx, d), checkClock(ctx, d))
}

func checkDataDir(cfg Config) Finding {
	f := Finding{What: "data folder", OK: true, Note: cfg.DataDir}
	if err := os.MkdirAll(cfg.DataDir, 0o755); err != nil { //nolint:gosec // Postgres may run as another user and must pass through
		f.OK, f.Note = false, err.Error()+". Set ROOFTOP_DATA_DIR to a folder that can be written."
	}
	return f
}

func checkMasterKey(cfg Config) Finding {
	ring, err := cfg.keyring()
	if err != nil {
		return Finding{"master key", false, err.Error()}
	}
	return Finding{"master key", true, ring.String()}
}

func checkMigrations(states []migrate.State) Finding {
	missing := 0
	for _, s := range states {
		if !s.Applied {
			missing++
		}
	}
	if missing > 0 {
		return Finding{"migrations", false, fmt.Sprintf("%d of %d are missing: run `rooftop migrate up`", missing, len(states))}
	}
	return Finding{"migrations", true, fmt.Sprintf("all %d are applied", len(states))}
}

func checkRole(ctx context.Context, d *db.DB) Finding {
	var name string
	var super, bypass bool
	err := d.QueryRowControl(ctx, `SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user`, nil, &name, &super, &bypass)
	switch {
	case err != nil:
		return Finding{"server role", false, err.Error()}
	case super || bypass:
		return Finding{"server role", false, name + " could bypass row security: use a role that is neither superuser nor BYPASSRLS"}
	}
	return Finding{"server role", true, name + " is bound by row security"}
}

func checkClock(ctx context.Context, d *db.DB) Finding {
	var theirs time.Time
	before := clock.Now()
	if err := d.QueryRowControl(ctx, `SELECT clock_timestamp()`, nil, &theirs); err != nil {
		return Finding{"clock", false, err.Error()}
	}
	skew := theirs.Sub(before)
	if skew.Abs() > maxSkew {
		return Finding{"clock", false, fmt.Sprintf("this machine and Postgres are %s apart: set up NTP on both", skew.Round(time.Second))}
	}
	return Finding{"clock", true, fmt.Sprintf("within %s of Postgres", maxSkew)}
}
