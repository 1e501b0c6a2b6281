// Package calendars is when a dealership is open and when its people work: opening hours by department with exceptions, public
// holidays, closures that recur, shifts, absences, presence, and what people's own calendars say that are kept elsewhere. It
// answers, for every other context and in their transaction, how many open minutes lie between two instants, when so many will
// have passed, and who works now.
//
// It owns those resources and what decides when they contradict each other: what is said of one date goes before holidays and
// closures, those go before the week, and what people say of themselves goes before their absences, busy times and shifts. The
// arithmetic is left to platform/worktime, the dates of holidays to platform/holidays, how a calendar is read to platform/ical,
// what follows from an answer to whoever asks.
package calendars

import (
	"context"
	"reflect"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/outbox"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
)

// The resources, as events name them.
const (
	ResourceHours    = "opening_hours"
	ResourceClosure  = "closure"
	ResourceShift    = "shift"
	ResourceAbsence  = "absence"
	ResourcePresence = "presence"
	ResourceExternal = "external_calendar"
)

var (
	// ErrNotFound is also the answer for another account's resource, and for what was deleted.
	ErrNotFound = errs.New(errs.NotFound, "not_found", "There is no such resource, or it is not visible to this credential.")
	// ErrStale is the answer to an If-Match that names another version than the current one.
	ErrStale = errs.New(errs.Stale, "version.stale",
		"The resource has changed since you read it. Read it again, apply your change to what it is now, and send the new ETag in If-Match.")
	// ErrHoursTaken is the answer to second opening hours for one department.
	ErrHoursTaken = errs.New(errs.Conflict, "opening_hours.department_taken",
		"This department of the dealership has opening hours already. Change those, or delete them first.")
	// ErrTooManyClosures is the answer to more closures than a calendar is asked to reckon with.
	ErrTooManyClosures = errs.New(errs.Conflict, "closure.too_many",
		"The dealership has 200 closures. Delete those that are past, or make one of several by a rule.")
	// ErrShiftOverlaps is the answer to a shift at a time at which the user has another.
	ErrShiftOverlaps = errs.New(errs.Conflict, "shift.overlaps",
		"The user has another shift at this time. Change or delete that one first. A shift of one date takes the place of the weekly ones of that date.")
	// ErrAbsenceOverlaps is the answer to an absence at a time at which the user is absent already.
	ErrAbsenceOverlaps = errs.New(errs.Conflict, "absence.overlaps",
		"The user is absent at this time already. Change that absence, or delete it first.")
	// ErrTooManyExternals is the answer to more calendars that are kept elsewhere than one user may have.
	ErrTooManyExternals = errs.New(errs.Conflict, "external_calendar.too_many",
		"The user has 10 calendars that are kept elsewhere. Delete one that is not needed.")
	// ErrExternalPaused is the answer to a refresh of a calendar that is paused.
	ErrExternalPaused = errs.New(errs.Conflict, "external_calendar.paused",
		"This calendar is paused. Go on with it first, by setting paused to false.")
	// ErrNeverOpen is the answer to a question for open time of a calendar that has none for years.
	ErrNeverOpen = errs.New(errs.Conflict, "calendar.never_open",
		"The calendar has no opening within the next years. Give the dealership opening hours first.")
)

// Units is the unit of work.
type Units interface {
	InTx(ctx context.Context, fn func(ctx context.Context) error) error
	// AfterCommit runs fn when the transaction of ctx is committed, or at once when there is none.
	AfterCommit(ctx context.Context, fn func())
}

// Dealership is what calendars needs to know of one.
type Dealership struct {
	ID         kernel.DealershipID
	Country    string // ISO 3166-1 alpha-2
	PostalCode string
	Zone       *time.Location
}

// Person is what calendars needs to know of a user.
type Person struct {
	ID          kernel.UserID
	Name        string
	Everywhere  bool // has a role for the whole account
	Dealerships []kernel.DealershipID
	Active      bool // may sign in
}

// Core is what calendars needs from core. A deleted dealership or user is not found.
type Core interface {
	Dealership(ctx context.Context, account kernel.AccountID, id kernel.DealershipID) (Dealership, error)
	User(ctx context.Context, account kernel.AccountID, id kernel.UserID) (Person, error)
	// Staff lists the active users with a role at the dealership or for the whole account.
	Staff(ctx context.Context, account kernel.AccountID, at kernel.DealershipID, p page.Request) (page.Of[Person], error)
	// Zone is the account's own.
	Zone(ctx context.Context, account kernel.AccountID) (*time.Location, error)
}

// Record is one resource of calendars: what was written, and the life of it.
type Record[I ~[16]byte, D any] struct {
	ID        I
	Version   int64
	Details   D
	CreatedAt time.Time
	UpdatedAt time.Time
	DeletedAt *time.Time
}

// PageKey is where a page ends with this record: lists are by the time of creation.
func (r Record[I, D]) PageKey() page.Key { return page.Key{At: r.CreatedAt, ID: uuid.UUID(r.ID)} }

type (
	// Hours are the opening hours of a department.
	Hours = Record[kernel.OpeningHoursID, HoursDetails]
	// Closure is a time at which a dealership is closed, once or by a rule.
	Closure = Record[kernel.ClosureID, ClosureDetails]
	// Shift is when somebody works.
	Shift = Record[kernel.ShiftID, ShiftDetails]
	// Absence is when somebody does not.
	Absence = Record[kernel.AbsenceID, AbsenceDetails]
	// Presence is what somebody says of themselves; it is named by the user.
	Presence = Record[kernel.UserID, PresenceDetails]
	// External is a calendar of somebody's that is kept elsewhere.
	External = Record[kernel.ExternalCalendarID, ExternalDetails]
)

// Needs is what a Service is built from.
type Needs struct {
	Store Stores
	Units Units
	Log   *outbox.Log
	Audit audit.Writer
	Core  Core
	Now   func() time.Time

	Outside Outside
	Vault   Vault
	Work    Scheduler
	// Enqueue asks for a job that calls FetchExternal, in the transaction of ctx, unless one waits or runs.
	Enqueue func(ctx context.Context, account kernel.AccountID, id kernel.ExternalCalendarID) error
}

// Service is what may be done with calendars. It is safe for concurrent use.
type Service struct {
	Hours     *Book[kernel.OpeningHoursID, HoursDetails]
	Closures  *Book[kernel.ClosureID, ClosureDetails]
	Shifts    *Book[kernel.ShiftID, ShiftDetails]
	Absences  *Book[kernel.AbsenceID, AbsenceDetails]
	Presences *Book[kernel.UserID, PresenceDetails]
	Externals *Book[kernel.ExternalCalendarID, ExternalDetails]

	store   Stores
	units   Units
	core    Core
	now     func() time.Time
	outside Outside
	vault   Vault
	work    Scheduler
	enqueue func(ctx context.Context, account kernel.AccountID, id kernel.ExternalCalendarID) error
	plans   *memo[planKey, *plan]
	rosters *memo[placeKey, []Shift]
}

// NewService returns a service.
func NewService(n Needs) *Service {
	s := &Service{
		store: n.Store, units: n.Units, core: n.Core, now: n.Now, outside: n.Outside, vault: n.Vault, work: n.Work, enqueue: n.Enqueue,
		plans: newMemo[planKey, *plan](n.Now), rosters: newMemo[placeKey, []Shift](n.Now),
	}
	s.Hours = newBook(n, ResourceHours, n.Store.Hours, s.hoursRules())
	s.Closures = newBook(n, ResourceClosure, n.Store.Closures, s.closureRules())
	s.Shifts = newBook(n, ResourceShift, n.Store.Shifts, s.shiftRules())
	s.Absences = newBook(n, ResourceAbsence, n.Store.Absences, s.absenceRules())
	s.Presences = newBook(n, ResourcePresence, n.Store.Presences, s.presenceRules())
	s.Externals = newBook(n, ResourceExternal, n.Store.Externals, s.externalRules())
	s.Externals.wrote = s.externalWrote
	return s
}

// field is one field of a resource by its wire name.
type field struct {
	name  string
	value any
}

// detailed is what every kind of details can tell of itself.
type detailed interface{ fields() []field }

// diff names the fields in which the two differ.
func diff[D detailed](a, b D) []string {
	var out []string
	before := b.fields()
	for i, f := range a.fields() {
		if !reflect.DeepEqual(f.value, before[i].value) {
			out = append(out, f.name)
		}
	}
	return out
}
