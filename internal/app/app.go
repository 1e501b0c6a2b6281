// Package app is the one room that sees all: it opens the database, builds every service, decides by --services whose
// routes and workers this process has, and runs them until it is told to stop.
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"
	"golang.org/x/sync/errgroup"

	"github.com/rooftop-crm/rooftop/api"
	"github.com/rooftop-crm/rooftop/api/calendarsapi"
	"github.com/rooftop-crm/rooftop/api/contactsapi"
	"github.com/rooftop-crm/rooftop/api/coreapi"
	"github.com/rooftop-crm/rooftop/api/docsapi"
	"github.com/rooftop-crm/rooftop/api/eventsapi"
	"github.com/rooftop-crm/rooftop/api/filesapi"
	"github.com/rooftop-crm/rooftop/api/importsapi"
	"github.com/rooftop-crm/rooftop/api/jobsapi"
	"github.com/rooftop-crm/rooftop/api/leadsapi"
	"github.com/rooftop-crm/rooftop/api/messagesapi"
	"github.com/rooftop-crm/rooftop/api/vehiclesapi"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/calendars/calendarsdb"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/contacts/contactsdb"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/core/coredb"
	"github.com/rooftop-crm/rooftop/internal/events"
	"github.com/rooftop-crm/rooftop/internal/events/eventsdb"
	"github.com/rooftop-crm/rooftop/internal/files"
	"github.com/rooftop-crm/rooftop/internal/files/filesdb"
	"github.com/rooftop-crm/rooftop/internal/imports"
	"github.com/rooftop-crm/rooftop/internal/imports/importsdb"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/leads/leadsdb"
	"github.com/rooftop-crm/rooftop/internal/messages"
	"github.com/rooftop-crm/rooftop/internal/messages/messagesdb"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/background"
	"github.com/rooftop-crm/rooftop/internal/platform/blob"
	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/fetch"
	"github.com/rooftop-crm/rooftop/internal/platform/idem"
	"github.com/rooftop-crm/rooftop/internal/platform/jobs"
	"github.com/rooftop-crm/rooftop/internal/platform/links"
	"github.com/rooftop-crm/rooftop/internal/platform/longjobs"
	"github.com/rooftop-crm/rooftop/internal/platform/mail"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/ratelimit"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
	"github.com/rooftop-crm/rooftop/internal/platform/secret"
	"github.com/rooftop-crm/rooftop/internal/platform/telemetry"
	"github.com/rooftop-crm/rooftop/internal/vehicles"
)

// Version is the program's, set when it is built.
var Version = "dev"

// Services are the contexts, built in every process whatever --services says: they share one schema, and one that needs
// another calls it in its own transaction.
type Services struct {
	Core      *core.Service
	Contacts  *contacts.Service
	Leads     *leads.Service
	Calendars *calendars.Service
	Feed      *events.Service
	Messages  *messages.Service
	Units     *idem.Store
	Events    *outbox.Log
	Audit     *audit.Log
	Work      *background.Runner
	Links     *links.Store
	Outbound  *fetch.Guard
	Jobs      *jobs.Runner
	LongJobs  *longjobs.Service
	Imports   *imports.Service
	Files     *files.Service
	Vehicles  *vehicles.Service
	Blobs     *blob.Store
	// Base is how callers reach the server.
	Base string
}

// Module is what --services chooses.
type Module struct {
	Name string
	// Routes registers the paths below /v1 that need a credential.
	Routes func(g *echo.Group)
	// Public registers those that need none.
	Public func(e *echo.Echo, g *echo.Group)
	// Due names the handlers of background work.
	Due func(r *background.Runner)
	// Jobs registers the kinds of jobs. It is called in every process, and a process works those of its own services.
	Jobs func(h jobs.Handlers)
	// Workers run beside the server; each returns when ctx ends.
	Workers []func(ctx context.Context) error
}

// ServiceNames lists what --services takes, beside all.
func ServiceNames() []string { return []string{"core", "contacts", "leads", "vehicles"} }

// Modules is what each service brings.
func Modules(s Services) []Module {
	return []Module{
		{
			Name: "core",
			Routes: func(g *echo.Group) {
				coreapi.Routes(g, s.Core, s.Units)
				eventsapi.Routes(g, s.Feed, s.Core, s.Units)
				calendarsapi.Routes(g, s.Calendars, s.Units)
				jobsapi.Routes(g, s.LongJobs, s.Units)
				importsapi.Routes(g, s.Imports, s.Units)
				filesapi.Routes(g, s.Files, s.Units, s.Base)
			},
			Public: func(e *echo.Echo, g *echo.Group) {
				coreapi.PublicRoutes(e, g, s.Core)
				filesapi.PublicRoutes(g, s.Files)
			},
			Workers: []func(context.Context) error{
				s.Events.Sequence, s.Feed.Follow, s.Feed.Prune, s.Feed.FanOut, s.Feed.Rescue, s.Core.Housekeep, s.Links.Run, s.Files.Run,
			},
			Due: func(r *background.Runner) {
				r.Handle(core.PurgeIdempotencyKeys, purge(s))
				s.LongJobs.Due(r)
				r.Handle(imports.WorkForget, s.Imports.Forget)
				r.Handle(imports.WorkForgetExport, s.Imports.ForgetExport)
				r.Handle(events.WorkDeliver, s.Feed.Begin)
				r.Handle(events.WorkPurge, s.Feed.Purge)
				r.Handle(calendars.WorkExternal, s.Calendars.BeginExternal)
				r.Handle(files.WorkUnused, s.Files.Unused)
			},
			Jobs: func(h jobs.Handlers) {
				s.Core.JobHandlers(h)
				s.LongJobs.Jobs(h)
				s.Files.Handle(h)
				jobs.Handle(h, deliverSpec, deliverWebhooks(s.Feed))
				jobs.Handle(h, fetchCalendarSpec, fetchCalendar(s.Calendars))
			},
		},
		{
			Name: "contacts",
			Routes: func(g *echo.Group) {
				contactsapi.Routes(g, s.Contacts, s.Units)
				messagesapi.Routes(g, s.Messages, s.Units)
			},
			Jobs: s.Messages.HandleJobs,
		},
		{
			Name:   "leads",
			Routes: func(g *echo.Group) { leadsapi.Routes(g, s.Leads, s.Contacts, s.Units) },
			Due: func(r *background.Runner) {
				r.Handle(leads.WorkInbox, s.Leads.Sweep)
				r.Handle(leads.WorkPostponed, s.Leads.Return)
			},
		},
		{
			Name:   "vehicles",
			Routes: func(g *echo.Group) { vehiclesapi.Routes(g, s.Vehicles) },
		},
	}
}

// purge forgets an account's old answers and sessions, and comes back an hour later; at once when there are more answers.
func purge(s Services) background.Handler {
	return func(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
		more, err := s.Units.Purge(ctx, account)
		if err != nil {
			return err
		}
		if err := s.Core.ForgetSessions(ctx, account); err != nil {
			return err
		}
		next := time.Hour
		if more {
			next = 0
		}
		return s.Work.Later(ctx, account, core.PurgeIdempotencyKeys, id, next)
	}
}

// App is the whole program, built and not yet listening.
type App struct {
	Services
	DB     *db.DB
	Server *api.Server

	cfg       Config
	database  *database
	telemetry *telemetry.Telemetry
	accessLog *telemetry.LogWriter
	mailIn    *mail.Listener // nil when no mail comes in
	workers   []func(ctx context.Context) error
}

// New opens the database and builds the program. Close ends what it opened.
func New(ctx context.Context, cfg Config) (*App, error) {
	a := &App{cfg: cfg}
	if err := a.build(ctx); err != nil {
		a.Close(ctx)
		return nil, err
	}
	return a, nil
}

func (a *App) build(ctx context.Context) (err error) {
	if a.database, err = openDatabase(ctx, a.cfg); err != nil {
		return err
	}
	a.DB = a.database.db
	if a.telemetry, err = telemetry.New(ctx, telemetry.Config{OTLPEndpoint: a.cfg.OTLPEndpoint, SampleRatio: 1, Service: "rooftop", Version: Version}); err != nil {
		return err
	}
	a.watchPool()
	a.watchBacklog() //nolint:contextcheck // each scrape has a limit of its own
	if a.Services, err = buildServices(ctx, a.cfg, a.DB); err != nil {
		return err
	}
	return a.buildServer(ctx)
}

func buildServices(ctx context.Context, cfg Config, d *db.DB) (Services, error) {
	ring, err := cfg.keyring()
	if err != nil {
		return Services{}, err
	}
	out, err := cfg.outbound()
	if err != nil {
		return Services{}, err
	}
	queue, err := jobs.New(d, jobs.Config{RescueAfter: cfg.JobRescueAfter, PollOnly: cfg.Pooler, StopWithin: cfg.ShutdownTimeout})
	if err != nil {
		return Services{}, err
	}
	post, err := cfg.post()
	if err != nil {
		return Services{}, err
	}
	blobs, err := blob.Open(ctx, cfg.blobs())
	if err != nil {
		return Services{}, err
	}
	s, keys := wire(means{d, ring, auth.NewHasher(auth.DefaultPasswordParams(), 4), out, queue, post, cfg.appURL(), blobs}, clock.Now)
	s.Base = cfg.base()
	s.Core.DefaultQuota = cmp.Or(cfg.RatePerMinute, s.Core.DefaultQuota)
	s.Leads.SweepAfter = cmp.Or(cfg.SweepAfter, s.Leads.SweepAfter)
	s.Feed.Retention = cmp.Or(cfg.EventRetention, s.Feed.Retention)
	return s, keys.Ensure(ctx)
}

// means are what the services are built from.
type means struct {
	db     *db.DB
	ring   *secret.Keyring
	hasher *auth.Hasher
	out    *fetch.Guard
	jobs   *jobs.Runner
	post   post
	appURL string // see Config.AppURL
	blobs  *blob.Store
}

// wire builds the services. The clock is the machine's, but for demo data, which is made in the past.
func wire(m means, now func() time.Time) (Services, *auth.Keys) {
	d, ring, hasher := m.db, m.ring, m.hasher
	s := Services{
		Units: idem.New(d, now), Events: outbox.New(d), Audit: audit.New(d), Work: background.New(d, now), Links: links.NewStore(d, now),
		Outbound: m.out, Jobs: m.jobs, Blobs: m.blobs,
	}
	control := coredb.NewControl(d)
	keys := auth.NewKeys(control, ring, now)
	work := &desk{}
	s.Core = core.NewService(core.Parts{
		Store: coredb.New(d), Control: control, Units: d, Events: s.Events, Audit: s.Audit, Work: s.Work, Hasher: hasher,
		Keys: keys, Tokens: auth.NewTokens(keys, issuer, issuer, now), Ring: ring, Links: s.Links, Jobs: s.Jobs, Desk: work, AppURL: m.appURL, Enums: slices.Concat(core.Enums(), calendars.Enums(), contacts.Enums(), leads.Enums(), messages.Enums(), events.Enums(), longjobs.Enums(), imports.Enums()), Now: now,
	})
	s.Vehicles = vehicles.NewService(now)
	s.Calendars = calendars.NewService(calendars.Needs{
		Store: calendarsdb.New(d), Units: d, Log: s.Events, Audit: s.Audit, Core: calendarsCore{s.Core}, Now: now,
		Outside: newCalendarFetcher(m.out), Vault: ring, Work: s.Work, Enqueue: enqueueCalendars(m.jobs),
	})
	schemas := schema.New(customSchemas(s.Core), now)
	changed := &contactChange{}
	s.Contacts = contacts.NewService(contacts.Needs{
		Store: contactsdb.New(d), Unit: d, Log: s.Events, Accounts: contactsAccounts{s.Core}, Schemas: schemas, OnChange: changed, Now: now,
	})
	leadStore := leadsdb.New(d)
	s.Leads = leads.NewService(leads.Deps{
		Store: leadStore, Partners: leadStore, Inbox: leadsdb.NewInbox(d), Contacts: leadsContacts{s.Contacts}, Core: leadsCore{s.Core, schemas},
		Units: d, Events: s.Events, Log: s.Events, Work: s.Work, Now: now, Render: leadsapi.Render,
	})
	changed.leads, work.leads = s.Leads, s.Leads
	s.LongJobs = longjobs.New(d, s.Jobs, s.Events, s.Audit, s.Work, now)
	s.Files = files.NewService(files.Deps{
		Store: filesdb.New(d), Unit: d, Blobs: m.blobs, Log: s.Events, Links: s.Links, Work: s.Work, Jobs: m.jobs, Now: now,
		LongJobs: s.LongJobs, Web: newFilesWeb(m.out), Seals: ring,
	})
	hooks := eventsdb.New(d, ring)
	s.Feed = events.NewService(events.Deps{
		Log: s.Events, Audit: s.Audit, Rules: eventRules(s), Store: hooks, Lanes: hooks, Units: d, Work: s.Work, Out: newWebhookSender(m.out),
		Render: eventsapi.Render, Enqueue: enqueueWebhooks(m.jobs), Presence: d.Presence, Now: now,
	})
	s.Imports = imports.NewService(imports.Deps{Store: importsdb.New(d), Web: newImportFiles(m.out), Seals: ring, Units: d, Jobs: s.LongJobs, Work: s.Work, Events: s.Events, Log: s.Events, Audit: s.Audit, Now: now})
	s.Imports.Register("contacts", contactRows{s.Contacts})
	s.Messages = messages.NewService(messages.Parts{
		Store: messagesdb.New(d), Directory: messagesdb.NewDirectory(d), Units: d, Events: s.Events, Audit: s.Audit, Jobs: s.Jobs, Core: messagesCore{s.Core},
		Ring: ring, Now: now, Sender: m.post.sender, Sign: m.post.sign, From: m.post.from, Domain: m.post.domain, DNS: m.post.dns,
	})
	if m.post.sender != nil {
		s.Feed.Mail = webhookMail{core: s.Core, messages: s.Messages, now: now}
		s.Core.Mailer = coreMail{s.Messages}
	}
	return s, keys
}

// issuer names the tokens' issuer and audience: they are for this installation, under whatever name it is reached.
const issuer = "rooftop"

func (a *App) buildServer(ctx context.Context) error {
	proxies, err := a.cfg.proxies()
	if err != nil {
		return err
	}
	level, err := a.cfg.level()
	if err != nil {
		return err
	}
	limiter := ratelimit.New(a.DB, clock.Now)
	a.accessLog = telemetry.NewLogWriter(logOutput)
	a.Server, err = api.New(api.Config{
		CursorKeys: [][]byte{a.Core.Ring.Derive("cursors")}, TrustedProxies: proxies, RatePerMinute: a.cfg.RatePerMinute, MaxDocument: int64(a.cfg.MaxDocument),
	}, api.Deps{
		Auth: a.Core, Origins: a.Core, Limiter: limiter, Telemetry: a.telemetry, Ready: a.database.ready,
		AccessLog: slog.New(slog.NewJSONHandler(a.accessLog, &slog.HandlerOptions{Level: level})), Now: clock.Now, Docs: docsapi.Routes,
	})
	if err != nil {
		return err
	}
	a.Server.OnShutdown(a.Feed.Stop)
	chosen, err := a.cfg.services()
	if err != nil {
		return err
	}
	for _, m := range Modules(a.Services) {
		runs := slices.Contains(chosen, m.Name)
		if m.Jobs != nil {
			m.Jobs(a.Jobs.Handlers(runs))
		}
		if !runs {
			continue
		}
		m.Routes(a.Server.V1)
		if m.Public != nil {
			a.Server.Public(m.Public)
		}
		if m.Due != nil {
			m.Due(a.Work)
		}
		a.workers = append(a.workers, m.Workers...)
	}
	if err := a.receiveMail(ctx, chosen); err != nil {
		return err
	}
	a.workers = append(a.workers, a.Work.Run, a.Jobs.Run, limiter.Run, a.database.supervise)
	return nil
}

func (a *App) watchPool() {
	a.telemetry.WatchPool(func() telemetry.Pool {
		s := a.DB.Stats()
		return telemetry.Pool{Max: s.Max, Total: s.Open, Idle: s.Idle, InUse: s.InUse, Waits: s.Waited, WaitTime: s.WaitTime}
	})
}

// Serve answers on the listener and runs the workers until ctx ends; then it lets requests under way finish.
func (a *App) Serve(ctx context.Context, on net.Listener) error {
	work, stopWork := context.WithCancel(context.WithoutCancel(ctx))
	defer stopWork()
	workers, work := errgroup.WithContext(work)
	for _, w := range a.workers {
		workers.Go(func() error { return w(work) })
	}
	server := a.Server.HTTPServer()
	served := make(chan error, 1)
	go func() { served <- server.Serve(on) }()
	var err error
	select {
	case err = <-served:
	case <-work.Done(): // a worker failed, and says why when all have ended
		err = server.Close()
	case <-ctx.Done():
		slog.InfoContext(ctx, "stopping: requests under way may finish", "within", a.cfg.ShutdownTimeout)
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), a.cfg.ShutdownTimeout)
		defer cancel()
		err = server.Shutdown(within)
	}
	stopWork()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, workers.Wait())
}

// Close ends what New opened. A private Postgres is stopped by the last process that uses it.
func (a *App) Close(ctx context.Context) {
	if a.telemetry != nil {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = a.telemetry.Close(within)
	}
	if a.accessLog != nil {
		_ = a.accessLog.Flush()
	}
	if a.mailIn != nil {
		_ = a.mailIn.Close() // it has ended, or never ran
	}
	if a.Blobs != nil {
		_ = a.Blobs.Close() // nothing is written any more
	}
	if a.database != nil {
		a.database.close(ctx)
	}
}

// Listen opens the configured address.
func (c Config) Listen(ctx context.Context) (net.Listener, error) {
	on, err := (&net.ListenConfig{}).Listen(ctx, "tcp", c.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen on ROOFTOP_ADDR %s: %w", c.Addr, err)
	}
	return on, nil
}
