package calendars

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/ical"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// ExternalDetails is a calendar of a user's that is kept elsewhere. When it says busy, the user does not work.
type ExternalDetails struct {
	User   kernel.UserID
	Name   string
	Link   Link
	Paused bool // neither fetched nor reckoned with
	Reading
}

// Link is where a calendar is. Whoever has the URL reads the calendar, so that it is never shown.
type Link struct {
	New    string // a URL that is not sealed yet; "" when it stays
	Sealed []byte
	Shown  string // its host
}

// Reading is what came of fetching a calendar.
type Reading struct {
	ETag, Modified string // of the document that was last read, as its host sent them
	Failures       int    // one after another
	Error          FetchError
	TriedAt        *time.Time
	FetchedAt      *time.Time // when the host last said what is in it
	ReadAt         *time.Time // when its recurrences were last worked out
	NextAt         *time.Time // nil while it is paused
	Busy           int        // how many busy times are known
	Skipped        int        // entries that could not be read
}

// FetchError is why the last attempt failed; zero when it did not.
type FetchError struct{ Code, Detail string }

// How a calendar that is kept elsewhere stands.
const (
	ExternalActive  = "active"
	ExternalFailing = "failing"
	ExternalPaused  = "paused"
)

// ExternalStates lists how such a calendar may stand.
func ExternalStates() []string { return []string{ExternalActive, ExternalFailing, ExternalPaused} }

// State tells how the calendar stands.
func (d ExternalDetails) State() string {
	switch {
	case d.Paused:
		return ExternalPaused
	case d.Failures > 0:
		return ExternalFailing
	}
	return ExternalActive
}

// WorkExternal is due when a calendar is to be fetched.
const WorkExternal = "calendars.external"

const (
	// maxExternals is how many such calendars a user may have.
	maxExternals = 10
	// fetchEvery is how often a calendar is fetched, give or take a tenth, and refreshAfter how soon again on demand.
	fetchEvery   = 15 * time.Minute
	refreshAfter = 30 * time.Second
	// idleEvery is how often is looked whether a user who may not sign in may again.
	idleEvery = 24 * time.Hour
	// fetchWithin bounds the wait for a job that was lost.
	fetchWithin = 10 * time.Minute
	// Busy times are kept for so long back and ahead. Once a day the recurrences are worked out anew.
	busyBack  = 24 * time.Hour
	busyAhead = 121 * 24 * time.Hour
	readEvery = 24 * time.Hour
)

// backoff is how long after a failure a calendar is fetched again, give or take a tenth; the last one repeats.
var backoff = []time.Duration{15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 24 * time.Hour}

const sealPurpose = "external calendar"

// Outside is the way to calendars that are kept elsewhere.
type Outside interface {
	// Check tells what is wrong with a URL as it stands.
	Check(url string) error
	// Get fetches a document, unless it is still the one that etag and modified say; then unchanged is true.
	Get(ctx context.Context, url, etag, modified string) (Document, error)
}

// Document is what a host answers.
type Document struct {
	Unchanged      bool
	Text           string
	ETag, Modified string
}

// Scheduler knows what is due when: background.Runner.
type Scheduler interface {
	Schedule(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID, due time.Time) error
	Cancel(ctx context.Context, account kernel.AccountID, kind string, id uuid.UUID) error
}

// Vault seals what must not lie open in the database: secret.Keyring.
type Vault interface {
	Seal(purpose string, plaintext []byte) []byte
	Open(purpose string, sealed []byte) ([]byte, error)
}

func (d ExternalDetails) fields() []field {
	return []field{{"user_id", d.User}, {"name", d.Name}, {"url", d.Link.Sealed}, {"paused", d.Paused}}
}

func (s *Service) externalRules() rules[ExternalDetails] {
	r := ofPeople(s, func(d ExternalDetails) kernel.UserID { return d.User })
	r.open = func(d ExternalDetails) audit.Fields { return audit.Fields{"user_id": d.User, "paused": d.Paused} }
	r.check = func(ctx context.Context, actor auth.Actor, id uuid.UUID, d *ExternalDetails) error {
		var w wrong
		if err := s.knowsUser(ctx, actor.Account, d.User, &w); err != nil {
			return err
		}
		w.text("/name", &d.Name, maxText)
		if err := s.seal(d, &w); err != nil {
			return err
		}
		if err := w.err(); err != nil {
			return err
		}
		now := s.now()
		switch {
		case d.Paused:
			d.NextAt = nil
		case d.NextAt == nil:
			d.NextAt = &now
		}
		if err := s.store.Staff.LockUser(ctx, actor.Account, d.User); err != nil {
			return err
		}
		all, err := s.store.Externals.All(ctx, actor.Account, Filter{User: d.User})
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(all, func(e External) bool { return e.ID == kernel.ExternalCalendarID(id) })
		if !known && len(all) >= maxExternals {
			return ErrTooManyExternals
		}
		return nil
	}
	return r
}

// externalWrote sees that a calendar is fetched when it is to be.
func (s *Service) externalWrote(ctx context.Context, account kernel.AccountID, e External, changed []string) error {
	if e.DeletedAt != nil || e.Details.Paused {
		return s.work.Cancel(ctx, account, WorkExternal, uuid.UUID(e.ID))
	}
	if slices.Contains(changed, "url") { // what is known is of another calendar
		if err := s.store.Staff.ReplaceBusy(ctx, account, e.ID, nil); err != nil {
			return err
		}
	}
	return s.work.Schedule(ctx, account, WorkExternal, uuid.UUID(e.ID), *e.Details.NextAt)
}

// seal checks a new URL and puts it away. The one that is there already stays as it is.
func (s *Service) seal(d *ExternalDetails, w *wrong) error {
	given := strings.TrimSpace(d.Link.New)
	d.Link.New = ""
	if given == "" {
		if d.Link.Sealed == nil {
			w.add("/url", "required", "Give the address that the calendar gives out for other programs, which usually ends in .ics.")
		}
		return nil
	}
	if rest, ok := strings.CutPrefix(given, "webcal://"); ok { // how some programs write it, to be opened by a calendar
		given = "https://" + rest
	}
	if err := s.outside.Check(given); err != nil {
		e, ok := errs.As(err)
		if !ok {
			return err
		}
		w.add("/url", "not_allowed", e.Public)
		return nil
	}
	if d.Link.Sealed != nil {
		before, err := s.vault.Open(sealPurpose, d.Link.Sealed)
		if err != nil {
			return fmt.Errorf("open the URL of a calendar: %w", err)
		}
		if string(before) == given {
			return nil
		}
	}
	d.Link = Link{Sealed: s.vault.Seal(sealPurpose, []byte(given)), Shown: masked(given)}
	d.Reading = Reading{}
	return nil
}

// masked is so much of a URL as may be shown: its host.
func masked(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return "…"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// Refresh asks for a calendar to be fetched now, or as soon as it may be again.
func (s *Service) Refresh(ctx context.Context, actor auth.Actor, id kernel.ExternalCalendarID) (External, error) {
	if err := s.Externals.mayWriteSome(actor); err != nil {
		return External{}, err
	}
	var out External
	err := s.units.InTx(ctx, func(ctx context.Context) (err error) {
		mine := false
		out, err = s.store.Externals.Update(ctx, actor.Account, id, func(e *External) (bool, error) {
			mine = s.Externals.rules.own(actor, e.Details)
			if err := s.Externals.rules.writes(ctx, actor, e.Details); err != nil {
				return false, err
			}
			switch {
			case e.DeletedAt != nil:
				return false, ErrNotFound
			case e.Details.Paused:
				return false, ErrExternalPaused
			}
			at := s.now()
			if tried := e.Details.TriedAt; tried != nil && tried.Add(refreshAfter).After(at) {
				at = tried.Add(refreshAfter)
			}
			e.Details.NextAt = &at
			return true, nil
		})
		if err != nil {
			return s.Externals.hidden(actor, mine, err)
		}
		return s.work.Schedule(ctx, actor.Account, WorkExternal, uuid.UUID(id), *out.Details.NextAt)
	})
	return out, err
}

// BeginExternal asks for a job that fetches a calendar. It is the handler of WorkExternal.
func (s *Service) BeginExternal(ctx context.Context, account kernel.AccountID, id uuid.UUID) error {
	return s.units.InTx(ctx, func(ctx context.Context) error {
		if err := s.enqueue(ctx, account, kernel.ExternalCalendarID(id)); err != nil {
			return err
		}
		return s.work.Schedule(ctx, account, WorkExternal, id, s.now().Add(fetchWithin)) // until the job says when
	})
}

// FetchExternal fetches a calendar and exchanges its busy times for what it says now. A failure is written down and leaves them.
// done ends the job in the transaction that writes what came of it, so that whoever asks for another from then on gets one.
func (s *Service) FetchExternal(
	ctx context.Context, account kernel.AccountID, id kernel.ExternalCalendarID, done func(context.Context) error,
) error {
	e, err := s.store.Externals.Find(ctx, account, id)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if err != nil || e.DeletedAt != nil || e.Details.Paused {
		return s.units.InTx(ctx, func(ctx context.Context) error {
			if err := s.work.Cancel(ctx, account, WorkExternal, uuid.UUID(id)); err != nil {
				return err
			}
			return done(ctx)
		})
	}
	tried := s.now()
	person, err := s.core.User(ctx, account, e.Details.User)
	switch gone := errs.IsKind(err, errs.NotFound); {
	case err != nil && !gone:
		return err
	case gone || !person.Active:
		return s.keepReading(ctx, account, e, done, func(r *Reading) { r.NextAt = later(tried, idleEvery) }, nil)
	}
	doc, busy, err := s.readOutside(ctx, account, e.Details, person, tried)
	if err != nil {
		failure, ok := errs.As(err)
		if !ok {
			return err
		}
		return s.keepReading(ctx, account, e, done, func(r *Reading) { r.failed(failure, tried) }, nil)
	}
	if doc.Unchanged {
		return s.keepReading(ctx, account, e, done, func(r *Reading) { r.fetched(tried) }, nil)
	}
	return s.keepReading(ctx, account, e, done, func(r *Reading) {
		r.fetched(tried)
		r.ETag, r.Modified, r.ReadAt, r.Busy, r.Skipped = doc.ETag, doc.Modified, &tried, len(busy.Intervals), busy.Skipped
	}, &busy.Intervals)
}

// readOutside fetches a calendar and reads it. Once a day it is asked for as a whole, since what recurs is worked out for some
// months ahead only.
func (s *Service) readOutside(
	ctx context.Context, account kernel.AccountID, d ExternalDetails, person Person, now time.Time,
) (Document, ical.Busy, error) {
	link, err := s.vault.Open(sealPurpose, d.Link.Sealed)
	if err != nil {
		return Document{}, ical.Busy{}, fmt.Errorf("open the URL of a calendar: %w", err)
	}
	etag, modified := d.ETag, d.Modified
	if d.ReadAt == nil || now.Sub(*d.ReadAt) >= readEvery {
		etag, modified = "", ""
	}
	doc, err := s.outside.Get(ctx, string(link), etag, modified)
	if err != nil || doc.Unchanged {
		return doc, ical.Busy{}, err
	}
	zone, err := s.zoneOf(ctx, account, person)
	if err != nil {
		return doc, ical.Busy{}, err
	}
	busy, err := ical.ReadBusy(ctx, doc.Text, now.Add(-busyBack), now.Add(busyAhead), zone)
	return doc, busy, err
}

// zoneOf is the time that a person lives by: that of the first dealership where they work, else the account's.
func (s *Service) zoneOf(ctx context.Context, account kernel.AccountID, p Person) (*time.Location, error) {
	for _, id := range p.Dealerships {
		d, err := s.core.Dealership(ctx, account, id)
		if !errs.IsKind(err, errs.NotFound) {
			return d.Zone, err
		}
	}
	return s.core.Zone(ctx, account)
}

func later(now time.Time, in time.Duration) *time.Time {
	at := now.Add(in - in/10 + rand.N(in/5)) //nolint:gosec // jitter
	return &at
}

func (r *Reading) fetched(now time.Time) {
	r.Failures, r.Error, r.TriedAt, r.FetchedAt, r.NextAt = 0, FetchError{}, &now, &now, later(now, fetchEvery)
}

func (r *Reading) failed(e *errs.Error, now time.Time) {
	r.NextAt = later(now, backoff[min(r.Failures, len(backoff)-1)])
	r.Failures, r.Error, r.TriedAt = r.Failures+1, FetchError{e.Code, e.Public}, &now
}

// keepReading writes down what came of an attempt, and the busy times when there are new ones; all in one transaction. An
// attempt at what was changed meanwhile counts for nothing, and one that was asked for meanwhile is still to come.
func (s *Service) keepReading(
	ctx context.Context, account kernel.AccountID, tried External, done func(context.Context) error, apply func(*Reading), busy *[]worktime.Interval,
) error {
	return s.units.InTx(ctx, func(ctx context.Context) error {
		var changed []string
		current := false
		e, err := s.store.Externals.Update(ctx, account, tried.ID, func(e *External) (bool, error) {
			current = e.DeletedAt == nil && !e.Details.Paused && slices.Equal(e.Details.Link.Sealed, tried.Details.Link.Sealed)
			if !current {
				return false, nil
			}
			before := e.Details
			apply(&e.Details.Reading)
			if asked := before.NextAt; !asked.Equal(*tried.Details.NextAt) {
				e.Details.NextAt = asked
			}
			var err error
			if changed, err = s.readingDiff(ctx, account, *e, before, busy); err != nil {
				return false, err
			}
			if len(changed) > 0 {
				e.Version, e.UpdatedAt = e.Version+1, s.now()
			}
			return true, nil
		})
		if err != nil {
			return err
		}
		if slices.Contains(changed, "busy_times") {
			if err := s.store.Staff.ReplaceBusy(ctx, account, e.ID, *busy); err != nil {
				return err
			}
		}
		if len(changed) > 0 {
			verb := "refreshed"
			if e.Details.Failures > 0 {
				verb = "failed"
			}
			if err := s.Externals.tell(ctx, auth.System(account), verb, e, changed); err != nil {
				return err
			}
		}
		if e.DeletedAt == nil && !e.Details.Paused {
			if err := s.work.Schedule(ctx, account, WorkExternal, uuid.UUID(e.ID), *e.Details.NextAt); err != nil {
				return err
			}
		}
		return done(ctx)
	})
}

// readingDiff names what is worth a version and an event: not that it was fetched once more.
func (s *Service) readingDiff(
	ctx context.Context, account kernel.AccountID, e External, before ExternalDetails, busy *[]worktime.Interval,
) ([]string, error) {
	var out []string
	add := func(name string, same bool) {
		if !same {
			out = append(out, name)
		}
	}
	now := e.Details
	add("state", now.State() == before.State())
	add("last_error", now.Error == before.Error)
	add("busy_count", now.Busy == before.Busy)
	add("skipped_count", now.Skipped == before.Skipped)
	if busy == nil {
		return out, nil
	}
	known, err := s.store.Staff.BusyTimes(ctx, account, e.ID)
	add("busy_times", slices.EqualFunc(known, *busy, func(a, b worktime.Interval) bool { return a.From.Equal(b.From) && a.To.Equal(b.To) }))
	return out, err
}
