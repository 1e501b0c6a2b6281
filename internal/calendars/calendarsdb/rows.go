package calendarsdb

import (
	"time"

	"gorm.io/gorm"

	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
)

type hoursRow struct {
	AccountID    kernel.AccountID      `gorm:"primaryKey"`
	ID           kernel.OpeningHoursID `gorm:"primaryKey"`
	Version      int64
	DealershipID kernel.DealershipID
	Department   string
	Week         []calendars.WeekHours `gorm:"serializer:json"`
	Exceptions   []calendars.Exception `gorm:"serializer:json"`
	Holidays     calendars.HolidayRule `gorm:"serializer:json"`
	CreatedAt    time.Time             `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time             `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (hoursRow) TableName() string { return "opening_hours" }

func toHours(account kernel.AccountID, r calendars.Hours) hoursRow {
	d := r.Details
	return hoursRow{
		AccountID: account, ID: r.ID, Version: r.Version, DealershipID: d.Dealership, Department: d.Department, Week: d.Week,
		Exceptions: d.Exceptions, Holidays: d.Holidays, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromHours(r hoursRow) calendars.Hours {
	return calendars.Hours{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.HoursDetails{
			Dealership: r.DealershipID, Department: r.Department, Week: r.Week, Exceptions: r.Exceptions, Holidays: r.Holidays,
		},
	}
}

// atPlace narrows to dealerships and a department.
func atPlace(q *gorm.DB, f calendars.Filter) *gorm.DB {
	if f.Only != nil {
		q = q.Where("dealership_id IN ?", f.Only)
	}
	if !f.Dealership.IsZero() {
		q = q.Where("dealership_id = ?", f.Dealership)
	}
	if f.Department != nil {
		q = q.Where("department = ?", *f.Department)
	}
	return q
}

func hoursFilter(q *gorm.DB, f calendars.Filter) *gorm.DB { return atPlace(q, f) }

type closureRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	ID           kernel.ClosureID `gorm:"primaryKey"`
	Version      int64
	DealershipID kernel.DealershipID
	Department   string
	Label        string
	Starts       string
	Ends         string
	Rule         string
	ExceptDates  []string  `gorm:"serializer:json"`
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (closureRow) TableName() string { return "closures" }

func toClosure(account kernel.AccountID, r calendars.Closure) closureRow {
	d := r.Details
	return closureRow{
		AccountID: account, ID: r.ID, Version: r.Version, DealershipID: d.Dealership, Department: d.Department, Label: d.Label,
		Starts: d.Starts, Ends: d.Ends, Rule: d.Rule, ExceptDates: d.Except,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromClosure(r closureRow) calendars.Closure {
	return calendars.Closure{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.ClosureDetails{
			Dealership: r.DealershipID, Department: r.Department, Label: r.Label, Starts: r.Starts, Ends: r.Ends, Rule: r.Rule,
			Except: r.ExceptDates,
		},
	}
}

func closureFilter(q *gorm.DB, f calendars.Filter) *gorm.DB { return atPlace(q, f) }

type shiftRow struct {
	AccountID    kernel.AccountID `gorm:"primaryKey"`
	ID           kernel.ShiftID   `gorm:"primaryKey"`
	Version      int64
	UserID       kernel.UserID
	DealershipID kernel.DealershipID
	Department   string
	Day          string
	Date         string
	FromTime     string
	ToTime       string
	ValidFrom    string
	ValidUntil   string
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (shiftRow) TableName() string { return "shifts" }

func toShift(account kernel.AccountID, r calendars.Shift) shiftRow {
	d := r.Details
	return shiftRow{
		AccountID: account, ID: r.ID, Version: r.Version, UserID: d.User, DealershipID: d.Dealership, Department: d.Department,
		Day: d.Day, Date: d.Date, FromTime: d.From, ToTime: d.To, ValidFrom: d.ValidFrom, ValidUntil: d.ValidUntil,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromShift(r shiftRow) calendars.Shift {
	return calendars.Shift{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.ShiftDetails{
			User: r.UserID, Dealership: r.DealershipID, Department: r.Department, Day: r.Day, Date: r.Date, From: r.FromTime, To: r.ToTime,
			ValidFrom: r.ValidFrom, ValidUntil: r.ValidUntil,
		},
	}
}

func shiftFilter(q *gorm.DB, f calendars.Filter) *gorm.DB {
	if !f.User.IsZero() {
		q = q.Where("user_id = ?", f.User)
	}
	return atPlace(q, f)
}

type absenceRow struct {
	AccountID kernel.AccountID `gorm:"primaryKey"`
	ID        kernel.AbsenceID `gorm:"primaryKey"`
	Version   int64
	UserID    kernel.UserID
	Kind      string
	StartsAt  time.Time
	EndsAt    time.Time
	Note      string
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt *time.Time
}

// TableName is gorm's question.
func (absenceRow) TableName() string { return "absences" }

func toAbsence(account kernel.AccountID, r calendars.Absence) absenceRow {
	d := r.Details
	return absenceRow{
		AccountID: account, ID: r.ID, Version: r.Version, UserID: d.User, Kind: d.Kind, StartsAt: d.Starts, EndsAt: d.Ends, Note: d.Note,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromAbsence(r absenceRow) calendars.Absence {
	return calendars.Absence{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.AbsenceDetails{User: r.UserID, Kind: r.Kind, Starts: r.StartsAt, Ends: r.EndsAt, Note: r.Note},
	}
}

func absenceFilter(q *gorm.DB, f calendars.Filter) *gorm.DB {
	if !f.User.IsZero() {
		q = q.Where("user_id = ?", f.User)
	}
	if f.From != nil {
		q = q.Where("ends_at > ?", *f.From)
	}
	if f.To != nil {
		q = q.Where("starts_at < ?", *f.To)
	}
	return q
}

type presenceRow struct {
	AccountID kernel.AccountID `gorm:"primaryKey"`
	ID        kernel.UserID    `gorm:"primaryKey"`
	Version   int64
	State     string
	Since     time.Time
	Until     time.Time
	CreatedAt time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt *time.Time
}

// TableName is gorm's question.
func (presenceRow) TableName() string { return "presences" }

func toPresence(account kernel.AccountID, r calendars.Presence) presenceRow {
	d := r.Details
	return presenceRow{
		AccountID: account, ID: r.ID, Version: r.Version, State: d.State, Since: d.Since, Until: d.Until,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromPresence(r presenceRow) calendars.Presence {
	return calendars.Presence{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.PresenceDetails{User: r.ID, State: r.State, Since: r.Since, Until: r.Until},
	}
}

func presenceFilter(q *gorm.DB, f calendars.Filter) *gorm.DB {
	if f.State != "" {
		q = q.Where("state = ?", f.State)
	}
	return q
}

type externalRow struct {
	AccountID    kernel.AccountID          `gorm:"primaryKey"`
	ID           kernel.ExternalCalendarID `gorm:"primaryKey"`
	Version      int64
	UserID       kernel.UserID
	Name         string
	URLSealed    []byte
	URLShown     string
	Paused       bool
	Etag         string
	LastModified string
	Failures     int
	ErrorCode    string
	ErrorDetail  string
	TriedAt      *time.Time
	FetchedAt    *time.Time
	ReadAt       *time.Time
	NextAt       *time.Time
	BusyCount    int
	SkippedCount int
	CreatedAt    time.Time `gorm:"autoCreateTime:false"`
	UpdatedAt    time.Time `gorm:"autoUpdateTime:false"`
	DeletedAt    *time.Time
}

// TableName is gorm's question.
func (externalRow) TableName() string { return "external_calendars" }

func toExternal(account kernel.AccountID, r calendars.External) externalRow {
	d := r.Details
	return externalRow{
		AccountID: account, ID: r.ID, Version: r.Version, UserID: d.User, Name: d.Name, URLSealed: d.Link.Sealed, URLShown: d.Link.Shown, Paused: d.Paused,
		Etag: d.ETag, LastModified: d.Modified, Failures: d.Failures, ErrorCode: d.Error.Code, ErrorDetail: d.Error.Detail,
		TriedAt: d.TriedAt, FetchedAt: d.FetchedAt, ReadAt: d.ReadAt, NextAt: d.NextAt, BusyCount: d.Busy, SkippedCount: d.Skipped,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
	}
}

func fromExternal(r externalRow) calendars.External {
	return calendars.External{
		ID: r.ID, Version: r.Version, CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, DeletedAt: r.DeletedAt,
		Details: calendars.ExternalDetails{
			User: r.UserID, Name: r.Name, Link: calendars.Link{Sealed: r.URLSealed, Shown: r.URLShown}, Paused: r.Paused,
			Reading: calendars.Reading{
				ETag: r.Etag, Modified: r.LastModified, Failures: r.Failures, Error: calendars.FetchError{Code: r.ErrorCode, Detail: r.ErrorDetail},
				TriedAt: r.TriedAt, FetchedAt: r.FetchedAt, ReadAt: r.ReadAt, NextAt: r.NextAt, Busy: r.BusyCount, Skipped: r.SkippedCount,
			},
		},
	}
}

func externalFilter(q *gorm.DB, f calendars.Filter) *gorm.DB {
	if !f.User.IsZero() {
		q = q.Where("user_id = ?", f.User)
	}
	switch f.State {
	case calendars.ExternalActive:
		q = q.Where("NOT paused AND failures = 0")
	case calendars.ExternalFailing:
		q = q.Where("NOT paused AND failures > 0")
	case calendars.ExternalPaused:
		q = q.Where("paused")
	}
	return q
}
