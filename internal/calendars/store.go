package calendars

import (
	"context"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/page"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// Filter narrows a list. A zero field does not narrow, and neither does one that the resource does not have.
type Filter struct {
	Only       []kernel.DealershipID // those the caller may see; nil for all
	Dealership kernel.DealershipID
	Department *string
	User       kernel.UserID
	From, To   *time.Time // what touches the time between; for absences
	State      string     // for presences and external calendars
}

// RecordStore keeps one kind of record of one account. Its writes join the transaction of ctx. Finding fails with ErrNotFound and
// also finds what is deleted; lists leave that out.
type RecordStore[I ~[16]byte, D any] interface {
	Insert(ctx context.Context, account kernel.AccountID, r Record[I, D]) error
	Find(ctx context.Context, account kernel.AccountID, id I) (Record[I, D], error)
	// ByIDs reads those that exist, in no order.
	ByIDs(ctx context.Context, account kernel.AccountID, ids []I) ([]Record[I, D], error)
	// After reads by ascending id, deleted ones too.
	After(ctx context.Context, account kernel.AccountID, after I, limit int) ([]Record[I, D], error)
	List(ctx context.Context, account kernel.AccountID, f Filter, p page.Request) (page.Of[Record[I, D]], error)
	// All reads what List lists, to its end.
	All(ctx context.Context, account kernel.AccountID, f Filter) ([]Record[I, D], error)
	// Update locks the record, runs change on it and writes it back when change says so.
	Update(ctx context.Context, account kernel.AccountID, id I, change func(*Record[I, D]) (bool, error)) (Record[I, D], error)
}

// StaffStore reads what is asked about many people at once.
type StaffStore interface {
	// LockUser makes the writers of a user's shifts and absences wait for each other until the transaction ends.
	LockUser(ctx context.Context, account kernel.AccountID, user kernel.UserID) error
	// AbsencesOf reads the absences of the users that touch the time between.
	AbsencesOf(ctx context.Context, account kernel.AccountID, users []kernel.UserID, from, to time.Time) ([]Absence, error)
	// BusyOf reads the busy times of the users' external calendars that touch the time between, those of paused ones left out.
	BusyOf(ctx context.Context, account kernel.AccountID, users []kernel.UserID, from, to time.Time) ([]BusyTime, error)
	// BusyTimes reads those of one calendar, in order.
	BusyTimes(ctx context.Context, account kernel.AccountID, calendar kernel.ExternalCalendarID) ([]worktime.Interval, error)
	// ReplaceBusy exchanges those of one calendar, which are apart from each other.
	ReplaceBusy(ctx context.Context, account kernel.AccountID, calendar kernel.ExternalCalendarID, all []worktime.Interval) error
	// PresencesOf reads what the users say of themselves, what has expired included.
	PresencesOf(ctx context.Context, account kernel.AccountID, users []kernel.UserID) ([]Presence, error)
}

// BusyTime is a time at which an external calendar says that its user is busy.
type BusyTime struct {
	User     kernel.UserID
	Calendar kernel.ExternalCalendarID
	worktime.Interval
}

// Stores are the stores of a Service.
type Stores struct {
	Hours     RecordStore[kernel.OpeningHoursID, HoursDetails]
	Closures  RecordStore[kernel.ClosureID, ClosureDetails]
	Shifts    RecordStore[kernel.ShiftID, ShiftDetails]
	Absences  RecordStore[kernel.AbsenceID, AbsenceDetails]
	Presences RecordStore[kernel.UserID, PresenceDetails]
	Externals RecordStore[kernel.ExternalCalendarID, ExternalDetails]
	Staff     StaffStore
}
