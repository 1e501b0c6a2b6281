// Package seed makes development's demo data: two invented dealer groups with everything a developer needs to try the API,
// and the file that holds their credentials. It lives the past ninety days through the services of the other contexts,
// under a clock of its own, so that histories, events and projections are as true as those of real work.
//
// It owns the invented people and places and the credentials file. What a lead may become, and who may do it, is left to
// the services.
package seed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/contacts"
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Services are those that the demo data is made through.
type Services struct {
	Core      *core.Service
	Calendars *calendars.Service
	Contacts  *contacts.Service
	Leads     *leads.Service
}

// Seeder makes the demo data. Every field is required.
type Seeder struct {
	DB   *db.DB
	Core *core.Service // by the real clock
	// Services builds services that go by another clock, on the same database.
	Services func(now func() time.Time) Services
	// File is where the credentials are kept.
	File string
	// BaseURL is how callers reach the server.
	BaseURL string
	Now     func() time.Time
}

var (
	// ErrLost is the answer where the demo accounts are in the database and their credentials are not in the file.
	ErrLost = errors.New("the demo accounts are in the database, but their credentials are not in the file")

	errBusy = errors.New("another process makes the demo data")
)

// busyPoll is how long a process waits before it looks again whether another one has made the demo data.
const busyPoll = 50 * time.Millisecond

// Seed makes the demo accounts that are missing and returns the credentials of all; made tells whether there was anything
// to do. Any number of processes may call it at once: one works, the others wait for it.
//
// Each account is one transaction, and its credentials are in the file before it commits: whenever the process dies,
// there is no account without credentials, and the next call makes what is missing. It fails with ErrLost.
func (s Seeder) Seed(ctx context.Context) (creds Credentials, made bool, err error) {
	for _, g := range groups() {
		err := s.alone(ctx, func(tx context.Context) error {
			there, err := s.begun(tx, g)
			if err != nil || there {
				return err
			}
			made = true
			return s.make(ctx, tx, g)
		})
		if err != nil {
			return Credentials{}, false, fmt.Errorf("make the demo account %s: %w", g.name, err)
		}
	}
	creds, err = s.Find(ctx)
	return creds, made, err
}

// Begun tells whether there is any demo data.
func (s Seeder) Begun(ctx context.Context) (bool, error) { return s.begun(ctx, groups()[0]) }

// begun goes by the partner, whom no request of the API can rename or remove.
func (s Seeder) begun(ctx context.Context, g group) (bool, error) {
	_, err := s.Core.Control.PartnerByCode(ctx, g.partnerCode)
	if errs.IsKind(err, errs.NotFound) {
		return false, nil
	}
	return err == nil, err
}

// Find reads the credentials from the file. It fails with ErrLost when the file is not about this database. Where the
// server is reached by another address now, it brings the file up to date.
func (s Seeder) Find(ctx context.Context) (Credentials, error) {
	creds, err := read(s.File)
	if err != nil {
		return creds, err
	}
	if creds.Other == nil {
		return creds, ErrLost
	}
	control := s.Core.Control
	for _, c := range []Access{creds.Access, *creds.Other} {
		_, err := control.Account(ctx, c.AccountID)
		if errs.IsKind(err, errs.NotFound) {
			err = ErrLost
		}
		if err != nil {
			return creds, err
		}
	}
	if creds.BaseURL == s.BaseURL {
		return creds, nil
	}
	creds.BaseURL, creds.Other.BaseURL = s.BaseURL, s.BaseURL
	return creds, write(s.File, creds)
}

// alone runs fn in a transaction that one process at a time can be in.
func (s Seeder) alone(ctx context.Context, fn func(ctx context.Context) error) error {
	for {
		err := s.DB.InTx(ctx, func(tx context.Context) error {
			var got bool
			err := s.DB.QueryRowControl(tx, `SELECT pg_try_advisory_xact_lock(hashtextextended('rooftop.demo_data', 0))`, nil, &got)
			if err == nil && !got {
				err = errBusy
			}
			if err != nil {
				return err
			}
			return fn(tx)
		})
		if !errors.Is(err, errBusy) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(busyPoll):
		}
	}
}

// make makes one account in the transaction of tx, and stops when ctx ends.
func (s Seeder) make(ctx, tx context.Context, g group) error {
	var creds Credentials
	if g.second {
		// The first account's are in the file by now; without them the file would pretend to be whole.
		var err error
		if creds, err = read(s.File); err != nil {
			return err
		}
	}
	clock := &clock{now: s.Now().Add(-history)}
	h := newHistory(g, s.Services(clock.Now), clock, s.Now())
	access, err := h.found(tx)
	if err != nil {
		return err
	}
	if err := h.live(ctx, tx); err != nil {
		return err
	}
	access.BaseURL = s.BaseURL
	if g.second {
		creds.Other = &access
	} else {
		creds = Credentials{Access: access}
	}
	return write(s.File, creds)
}
