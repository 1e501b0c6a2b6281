package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/clock"
	"github.com/rooftop-crm/rooftop/internal/seed"
)

// ErrNotDevelopment is the answer to demo data outside development.
var ErrNotDevelopment = errors.New("demo data is for development only, and ROOFTOP_ENV is production")

// errNoDemoCredentials says how to get in again.
var errNoDemoCredentials = errors.New("the demo data is there, but its credentials are not: run `rooftop seed --reset-credentials` for new ones")

// Seed makes development's demo data, unless it is there, and says where its credentials are. It fails with
// ErrNotDevelopment in production.
func (a *App) Seed(ctx context.Context, out io.Writer) error {
	if !a.cfg.Development() {
		return ErrNotDevelopment
	}
	_, made, err := a.seeder().Seed(ctx)
	if err != nil {
		return explain(err)
	}
	if made {
		return tell(out, "Made the demo data. Its credentials are in %s.\n", a.cfg.credentialsFile())
	}
	return tell(out, "The demo data is there. Its credentials are in %s.\n", a.cfg.credentialsFile())
}

// ResetDemoCredentials gives the demo accounts new credentials, for whoever lost the file or gave it away. It fails with
// ErrNotDevelopment in production.
func (a *App) ResetDemoCredentials(ctx context.Context, out io.Writer) error {
	if !a.cfg.Development() {
		return ErrNotDevelopment
	}
	if _, err := a.seeder().Reset(ctx); err != nil {
		return err
	}
	return tell(out, "The demo accounts have new credentials, in %s. The old ones end within ten seconds.\n", a.cfg.credentialsFile())
}

// Welcome prints where the server is. In development it also makes the demo data where the database is empty, and prints
// a request that works.
func (a *App) Welcome(ctx context.Context, out io.Writer) error {
	if err := tell(out, "Rooftop %s is at %s\n", Version, a.cfg.base()); err != nil || !a.cfg.Development() {
		return err
	}
	if err := tell(out, "  reference    %s/docs\n", a.cfg.base()); err != nil {
		return err
	}
	creds, err := a.demo(ctx)
	switch {
	case errors.Is(err, errNoDemo):
		return nil
	case errors.Is(err, errNoDemoCredentials):
		return tell(out, "  credentials  %v\n", err)
	case err != nil:
		return err
	}
	return tell(out, "  credentials  %s\n  sign in      %s; other demo users have the same password\n  try          curl -s -H 'Authorization: Bearer %s' '%s/v1/leads?limit=3&include=contact'\n",
		a.cfg.credentialsFile(), creds.Admin.Email, creds.APIKey, a.cfg.base())
}

// errNoDemo tells that there is no demo data, and that there should be none.
var errNoDemo = errors.New("there is no demo data")

// demo finds the demo data's credentials. It makes the data where that is wanted and the database is empty, and what is
// missing of it where it was begun.
func (a *App) demo(ctx context.Context) (seed.Credentials, error) {
	s := a.seeder()
	begun, err := s.Begun(ctx)
	if err != nil {
		return seed.Credentials{}, err
	}
	if !begun {
		empty, err := a.Core.Control.Empty(ctx)
		if err != nil {
			return seed.Credentials{}, err
		}
		if !empty || !a.cfg.DemoData {
			return seed.Credentials{}, errNoDemo
		}
	}
	creds, _, err := s.Seed(ctx)
	return creds, explain(err)
}

func explain(err error) error {
	if errors.Is(err, seed.ErrLost) {
		return errNoDemoCredentials
	}
	return err
}

func (a *App) seeder() seed.Seeder {
	return seed.Seeder{
		DB: a.DB, Core: a.Core, File: a.cfg.credentialsFile(), BaseURL: a.cfg.base(), Now: clock.Now,
		Services: func(now func() time.Time) seed.Services {
			s, _ := wire(means{a.DB, a.Core.Ring, a.Core.Hasher, a.Outbound, a.Jobs, post{}, a.cfg.appURL(), a.Blobs}, now)
			return seed.Services{Core: s.Core, Calendars: s.Calendars, Contacts: s.Contacts, Leads: s.Leads}
		},
	}
}

// credentialsFile is where development's credentials are.
func (c Config) credentialsFile() string { return filepath.Join(c.DataDir, "dev-credentials.json") }

func tell(out io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(out, format, args...)
	return err
}
