package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/migrate"
)

// Grade is how bad a finding is.
type Grade int

const (
	// Good needs nothing.
	Good Grade = iota
	// Lacking is what the server does without, and what it then cannot do.
	Lacking
	// Wrong must be mended.
	Wrong
)

// Finding is one thing the doctor looked at.
type Finding struct {
	What  string
	Grade Grade
	Note  string // what is there, or what is wrong and how to mend it
}

// maxSkew is how far the clocks of this machine and of Postgres may be apart: tokens are checked to the minute.
const maxSkew = 5 * time.Second

// Doctor looks at the data folder, the keys, where files are kept, the mail server, the way out, the database, the schema, the
// server's role and the clock.
func Doctor(ctx context.Context, cfg Config) []Finding {
	out := []Finding{checkDataDir(cfg), checkMasterKey(cfg), checkStorage(ctx, cfg), checkMail(ctx, cfg), checkOutbound(ctx, cfg)}
	url, migrateURL := cfg.DatabaseURL, cfg.MigrateURL
	if url == "" {
		cluster, err := OpenCluster(ctx, cfg)
		if err != nil {
			return append(out, Finding{"private Postgres", Wrong, err.Error()})
		}
		defer func() { _ = cluster.Close(context.WithoutCancel(ctx)) }()
		out = append(out, Finding{"private Postgres", Good, fmt.Sprint(cluster.Describe(ctx))})
		url = cluster.URL(privateDatabase)
	}
	owner := migrateURL
	if owner == "" {
		owner = url
	}
	states, err := migrate.Status(ctx, owner)
	if err != nil {
		return append(out, Finding{"database", Wrong, err.Error() + ". Is Postgres up, and the URL right?"})
	}
	out = append(out, checkMigrations(states))
	serverURL, err := migrate.Prepare(ctx, url, migrateURL)
	if err != nil {
		return append(out, Finding{"server role", Wrong, err.Error()})
	}
	d, err := db.Open(ctx, db.Config{URL: serverURL, MaxConns: 2, Pooler: cfg.Pooler})
	if err != nil {
		return append(out, Finding{"server role", Wrong, err.Error()})
	}
	defer d.Close()
	return append(out, checkRole(ctx, d), checkClock(ctx, d))
}

func checkDataDir(cfg Config) Finding {
	f := Finding{What: "data folder", Note: cfg.DataDir}
	if err := os.MkdirAll(cfg.DataDir, 0o755); err != nil { //nolint:gosec // Postgres may run as another user and must pass through
		f.Grade, f.Note = Wrong, err.Error()+". Set ROOFTOP_DATA_DIR to a folder that can be written."
	}
	return f
}

func checkMasterKey(cfg Config) Finding {
	ring, err := cfg.keyring()
	if err != nil {
		return Finding{"master key", Wrong, err.Error()}
	}
	return Finding{"master key", Good, ring.String()}
}

// storagePatience and outboundPolicy keep the doctor from waiting for what does not come.
const storagePatience = 10 * time.Second

var outboundPolicy = fetch.Policy{ConnectTimeout: 3 * time.Second, HeaderTimeout: 3 * time.Second, Timeout: 6 * time.Second}

// checkStorage writes, reads and deletes a file where files are kept.
func checkStorage(ctx context.Context, cfg Config) Finding {
	const what = "storage"
	ctx, cancel := context.WithTimeout(ctx, storagePatience)
	defer cancel()
	where, mend := cfg.blobs().Dir, "Set ROOFTOP_DATA_DIR or ROOFTOP_BLOB_URL to what can be written."
	if cfg.BlobURL != "" {
		where, mend = withoutSecrets(cfg.BlobURL), "Check ROOFTOP_BLOB_URL and the credentials for it."
	}
	blobs, err := blob.Open(ctx, cfg.blobs())
	if err != nil {
		return Finding{what, Wrong, fmt.Sprintf("%v. %s", err, mend)}
	}
	defer func() { _ = blobs.Close() }()
	if err := blobs.Check(ctx); err != nil {
		return Finding{what, Wrong, fmt.Sprintf("%s: %v. %s", where, err, mend)}
	}
	return Finding{what, Good, "files are written, read and deleted in " + where}
}

// farAway is a host of the public internet that every installation may talk to: where the program comes from.
const farAway = "https://github.com/"

func checkOutbound(ctx context.Context, cfg Config) Finding {
	guard, err := cfg.outbound()
	if err != nil {
		return Finding{"outbound", Wrong, err.Error()}
	}
	return checkWayOut(ctx, guard, farAway, cfg.proxy)
}

// checkWayOut sees that names are resolved and that TLS gets through, the way that webhooks go.
func checkWayOut(ctx context.Context, guard *fetch.Guard, url, proxy string) Finding {
	f := Finding{What: "outbound", Note: url + " is reached"}
	resp, err := guard.Client(outboundPolicy).Do(ctx, fetch.Request{Method: http.MethodHead, URL: url})
	if err == nil {
		_ = resp.Body.Close() // a HEAD has none
	} else {
		f.Grade = Lacking
		f.Note = fmt.Sprintf("%s is not reached: %s. Webhooks do not get out, nor does what is fetched by URL", url, whyNoWayOut(err))
	}
	if proxy != "" {
		f.Note += ". The proxy in " + proxy + " is not used: requests go straight, since a proxy would look names up past the check of where they lead"
	}
	return f
}

func whyNoWayOut(err error) string {
	switch {
	case errors.Is(err, fetch.ErrUnresolved):
		return "its name cannot be resolved; check the DNS of this machine"
	case errors.Is(err, fetch.ErrAddress):
		return "its name leads to a private address; the DNS of this machine answers for others, and such addresses are refused"
	case errors.Is(err, fetch.ErrTLS):
		return "its certificate is not trusted; install the CA certificates, or see who reads along on the way"
	case errors.Is(err, fetch.ErrPort):
		return "ROOFTOP_OUTBOUND_PORTS leaves out 443"
	case errors.Is(err, fetch.ErrUnreachable), errors.Is(err, fetch.ErrTimeout):
		return "nothing answers there; let this machine through to port 443"
	}
	return err.Error()
}

func checkMigrations(states []migrate.State) Finding {
	missing := 0
	for _, s := range states {
		if !s.Applied {
			missing++
		}
	}
	if missing > 0 {
		return Finding{"migrations", Wrong, fmt.Sprintf("%d of %d are missing: run `rooftop migrate up`", missing, len(states))}
	}
	return Finding{"migrations", Good, fmt.Sprintf("all %d are applied", len(states))}
}

func checkRole(ctx context.Context, d *db.DB) Finding {
	var name string
	var super, bypass bool
	err := d.QueryRowControl(ctx, `SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user`, nil, &name, &super, &bypass)
	switch {
	case err != nil:
		return Finding{"server role", Wrong, err.Error()}
	case super || bypass:
		return Finding{"server role", Wrong, name + " could bypass row security: use a role that is neither superuser nor BYPASSRLS"}
	}
	return Finding{"server role", Good, name + " is bound by row security"}
}

func checkClock(ctx context.Context, d *db.DB) Finding {
	var theirs time.Time
	before := clock.Now()
	if err := d.QueryRowControl(ctx, `SELECT clock_timestamp()`, nil, &theirs); err != nil {
		return Finding{"clock", Wrong, err.Error()}
	}
	skew := theirs.Sub(before)
	if skew.Abs() > maxSkew {
		return Finding{"clock", Wrong, fmt.Sprintf("this machine and Postgres are %s apart: set up NTP on both", skew.Round(time.Second))}
	}
	return Finding{"clock", Good, fmt.Sprintf("within %s of Postgres", maxSkew)}
}
