package calendarsapi

import (
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/api/httpx"
	"github.com/rooftop-crm/rooftop/internal/calendars"
	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
	"github.com/rooftop-crm/rooftop/internal/platform/merge"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// TimeSpan is from one time of day to another, in the dealership's time. One whose to is not after from ends on the next day.
type TimeSpan struct {
	From string `json:"from" validate:"required" example:"09:00"`
	To   string `json:"to" validate:"required" example:"12:00"` // 24:00 is the end of the day
} //	@name	TimeSpan

// WeekHours is an opening of every week.
type WeekHours struct {
	Day  string `json:"day" validate:"required" enums:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" example:"monday"`
	From string `json:"from" validate:"required" example:"09:00"`
	To   string `json:"to" validate:"required" example:"12:00"`
} //	@name	WeekHours

// HoursException is what holds on one date, in place of the week, of holidays and of closures.
type HoursException struct {
	Date  string     `json:"date" format:"date" example:"2026-12-24"`
	Hours []TimeSpan `json:"hours"` // empty when closed
	Note  *string    `json:"note" example:"Christmas Eve"`
} //	@name	HoursException

// HoursExceptionInput is an exception as it is sent.
type HoursExceptionInput struct {
	Date  string     `json:"date" validate:"required" format:"date" example:"2026-12-24"`
	Hours []TimeSpan `json:"hours,omitempty" validate:"max=100,dive"` // closed when left out
	Note  *string    `json:"note,omitempty" validate:"omitempty,max=200" example:"Christmas Eve"`
} //	@name	HoursExceptionInput

// HolidayRule says which public holidays close.
type HolidayRule struct {
	Closed  bool     `json:"closed"`                      // on public holidays, but for those of open_on
	Country *string  `json:"country" example:"FR"`        // the dealership's when null
	Region  *string  `json:"region" example:"FR-57"`      // ISO 3166-2; when null, told by the postal code where that is possible
	OpenOn  []string `json:"open_on" example:"armistice"` // codes of holidays, as GET /v1/holidays has them
} //	@name	HolidayRule

// HolidayRuleInput says which public holidays close. Left out, all of them do.
type HolidayRuleInput struct {
	Closed  *bool    `json:"closed,omitempty"`
	Country *string  `json:"country,omitempty" example:"FR"`
	Region  *string  `json:"region,omitempty" example:"FR-57"`
	OpenOn  []string `json:"open_on,omitempty" validate:"max=100" example:"armistice"`
} //	@name	HolidayRuleInput

// OpeningHours is when a department of a dealership is open.
type OpeningHours struct {
	ID           kernel.OpeningHoursID `json:"id"`
	Version      int64                 `json:"version" example:"3"`
	DealershipID kernel.DealershipID   `json:"dealership_id"`
	Department   *string               `json:"department" enums:"sales,service,parts,rental,body_shop,office" example:"sales"` // null: for departments without hours of their own
	Week         []WeekHours           `json:"week"`
	Exceptions   []HoursException      `json:"exceptions"`
	Holidays     HolidayRule           `json:"holidays"`
	CreatedAt    time.Time             `json:"created_at"`
	UpdatedAt    time.Time             `json:"updated_at"`
	DeletedAt    *time.Time            `json:"deleted_at"`
} //	@name	OpeningHours

// CreateOpeningHours is what makes opening hours.
type CreateOpeningHours struct {
	DealershipID kernel.DealershipID   `json:"dealership_id" validate:"required"`
	Department   *string               `json:"department,omitempty" enums:"sales,service,parts,rental,body_shop,office" example:"sales"`
	Week         []WeekHours           `json:"week,omitempty" validate:"max=100,dive"`
	Exceptions   []HoursExceptionInput `json:"exceptions,omitempty" validate:"max=400,dive"`
	Holidays     *HolidayRuleInput     `json:"holidays,omitempty"`
} //	@name	CreateOpeningHours

// PatchOpeningHours changes opening hours. Lists and the rule of holidays are replaced whole.
type PatchOpeningHours struct {
	Week       merge.Field[[]WeekHours]           `json:"week" validate:"max=100,dive"`
	Exceptions merge.Field[[]HoursExceptionInput] `json:"exceptions" validate:"max=400,dive"`
	Holidays   merge.Field[HolidayRuleInput]      `json:"holidays"`
} //	@name	PatchOpeningHours

// Closure is a time at which a dealership is closed: once, or again and again by a rule.
type Closure struct {
	ID           kernel.ClosureID    `json:"id"`
	Version      int64               `json:"version" example:"3"`
	DealershipID kernel.DealershipID `json:"dealership_id"`
	Department   *string             `json:"department" enums:"sales,service,parts,rental,body_shop,office" example:"service"` // null: of all
	Label        *string             `json:"label" example:"Team meeting"`
	Starts       string              `json:"starts" example:"2026-12-07T12:00"`               // in the dealership's time; by a rule, the first time
	Ends         string              `json:"ends" example:"2026-12-07T14:00"`                 // in the dealership's time
	RRule        *string             `json:"rrule" example:"FREQ=MONTHLY;BYDAY=1MO"`          // RFC 5545; null for once
	ExceptDates  []string            `json:"except_dates" format:"date" example:"2027-01-04"` // on which the rule does not hold
	CreatedAt    time.Time           `json:"created_at"`
	UpdatedAt    time.Time           `json:"updated_at"`
	DeletedAt    *time.Time          `json:"deleted_at"`
} //	@name	Closure

// CreateClosure is what makes a closure.
type CreateClosure struct {
	DealershipID kernel.DealershipID `json:"dealership_id" validate:"required"`
	Department   *string             `json:"department,omitempty" enums:"sales,service,parts,rental,body_shop,office" example:"service"`
	Label        *string             `json:"label,omitempty" validate:"omitempty,max=200" example:"Team meeting"`
	Starts       string              `json:"starts" validate:"required" example:"2026-12-07T12:00"`
	Ends         string              `json:"ends" validate:"required" example:"2026-12-07T14:00"`
	RRule        *string             `json:"rrule,omitempty" validate:"omitempty,max=500" example:"FREQ=MONTHLY;BYDAY=1MO"` // by days or longer; UNTIL is a local time
	ExceptDates  []string            `json:"except_dates,omitempty" validate:"max=400" example:"2027-01-04"`
} //	@name	CreateClosure

// PatchClosure changes a closure.
type PatchClosure struct {
	Department  merge.Field[string]   `json:"department" enums:"sales,service,parts,rental,body_shop,office" example:"service"`
	Label       merge.Field[string]   `json:"label" validate:"max=200" example:"Team meeting"`
	Starts      merge.Field[string]   `json:"starts" extensions:"!x-nullable" example:"2026-12-07T12:00"`
	Ends        merge.Field[string]   `json:"ends" extensions:"!x-nullable" example:"2026-12-07T14:00"`
	RRule       merge.Field[string]   `json:"rrule" validate:"max=500" example:"FREQ=MONTHLY;BYDAY=1MO"`
	ExceptDates merge.Field[[]string] `json:"except_dates" validate:"max=400" example:"2027-01-04"`
} //	@name	PatchClosure

// Shift is when a user works at a dealership: every week on a day, or on one date.
type Shift struct {
	ID           kernel.ShiftID      `json:"id"`
	Version      int64               `json:"version" example:"3"`
	UserID       kernel.UserID       `json:"user_id"`
	DealershipID kernel.DealershipID `json:"dealership_id"`
	Department   *string             `json:"department" enums:"sales,service,parts,rental,body_shop,office" example:"sales"` // whose closures hold for the shift
	Day          *string             `json:"day" enums:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" example:"monday"`
	Date         *string             `json:"date" format:"date" example:"2026-12-24"` // takes the place of the weekly shifts of this date
	From         string              `json:"from" example:"09:00"`
	To           string              `json:"to" example:"18:00"` // on the next day when not after from
	ValidFrom    *string             `json:"valid_from" format:"date" example:"2026-09-01"`
	ValidUntil   *string             `json:"valid_until" format:"date" example:"2027-06-30"`
	CreatedAt    time.Time           `json:"created_at"`
	UpdatedAt    time.Time           `json:"updated_at"`
	DeletedAt    *time.Time          `json:"deleted_at"`
} //	@name	Shift

// CreateShift is what makes a shift. It has either a day or a date.
type CreateShift struct {
	UserID       kernel.UserID       `json:"user_id" validate:"required"`
	DealershipID kernel.DealershipID `json:"dealership_id" validate:"required"`
	Department   *string             `json:"department,omitempty" enums:"sales,service,parts,rental,body_shop,office" example:"sales"`
	Day          *string             `json:"day,omitempty" enums:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" example:"monday"`
	Date         *string             `json:"date,omitempty" format:"date" example:"2026-12-24"`
	From         string              `json:"from" validate:"required" example:"09:00"`
	To           string              `json:"to" validate:"required" example:"18:00"`
	ValidFrom    *string             `json:"valid_from,omitempty" format:"date" example:"2026-09-01"`
	ValidUntil   *string             `json:"valid_until,omitempty" format:"date" example:"2027-06-30"`
} //	@name	CreateShift

// PatchShift changes a shift.
type PatchShift struct {
	Department merge.Field[string] `json:"department" enums:"sales,service,parts,rental,body_shop,office" example:"sales"`
	Day        merge.Field[string] `json:"day" enums:"monday,tuesday,wednesday,thursday,friday,saturday,sunday" example:"monday"`
	Date       merge.Field[string] `json:"date" format:"date" example:"2026-12-24"`
	From       merge.Field[string] `json:"from" extensions:"!x-nullable" example:"09:00"`
	To         merge.Field[string] `json:"to" extensions:"!x-nullable" example:"18:00"`
	ValidFrom  merge.Field[string] `json:"valid_from" format:"date" example:"2026-09-01"`
	ValidUntil merge.Field[string] `json:"valid_until" format:"date" example:"2027-06-30"`
} //	@name	PatchShift

// Absence is a time at which a user does not work.
type Absence struct {
	ID        kernel.AbsenceID `json:"id"`
	Version   int64            `json:"version" example:"3"`
	UserID    kernel.UserID    `json:"user_id"`
	Kind      string           `json:"kind" enums:"vacation,sick,training,other" example:"vacation"`
	StartsAt  time.Time        `json:"starts_at"`
	EndsAt    time.Time        `json:"ends_at"`
	Note      *string          `json:"note" example:"Back on Monday"` // for those who may change calendars, and for the user
	CreatedAt time.Time        `json:"created_at"`
	UpdatedAt time.Time        `json:"updated_at"`
	DeletedAt *time.Time       `json:"deleted_at"`
} //	@name	Absence

// CreateAbsence is what makes an absence.
type CreateAbsence struct {
	UserID   kernel.UserID `json:"user_id" validate:"required"`
	Kind     string        `json:"kind" validate:"required" enums:"vacation,sick,training,other" example:"vacation"`
	StartsAt time.Time     `json:"starts_at" validate:"required"`
	EndsAt   time.Time     `json:"ends_at" validate:"required"`
	Note     *string       `json:"note,omitempty" validate:"omitempty,max=2000" example:"Back on Monday"`
} //	@name	CreateAbsence

// PatchAbsence changes an absence.
type PatchAbsence struct {
	Kind     merge.Field[string]    `json:"kind" extensions:"!x-nullable" enums:"vacation,sick,training,other" example:"vacation"`
	StartsAt merge.Field[time.Time] `json:"starts_at" extensions:"!x-nullable"`
	EndsAt   merge.Field[time.Time] `json:"ends_at" extensions:"!x-nullable"`
	Note     merge.Field[string]    `json:"note" validate:"max=2000" example:"Back on Monday"`
} //	@name	PatchAbsence

// ExternalCalendar is a calendar of a user's that is kept elsewhere. When it says busy, the user does not work. Of its entries only
// the times are kept. last_fetched_at and next_fetch_at move without a new version.
type ExternalCalendar struct {
	ID            kernel.ExternalCalendarID `json:"id"`
	Version       int64                     `json:"version" example:"3"`
	UserID        kernel.UserID             `json:"user_id"`
	Name          *string                   `json:"name" example:"Google"`
	URL           string                    `json:"url" example:"https://calendar.example/…"` // only its host: whoever has the whole of it reads the calendar
	Paused        bool                      `json:"paused"`                                   // neither fetched nor reckoned with
	State         string                    `json:"state" enums:"active,failing,paused" example:"active"`
	LastFetchedAt *time.Time                `json:"last_fetched_at"` // when the host last said what is in it
	LastError     *FetchError               `json:"last_error"`      // null unless the last attempt failed; the busy times stay as they were
	NextFetchAt   *time.Time                `json:"next_fetch_at"`   // null while it is paused
	BusyCount     int                       `json:"busy_count" example:"42"`
	SkippedCount  int                       `json:"skipped_count" example:"0"` // entries that could not be read, and so do not count
	CreatedAt     time.Time                 `json:"created_at"`
	UpdatedAt     time.Time                 `json:"updated_at"`
	DeletedAt     *time.Time                `json:"deleted_at"`
} //	@name	ExternalCalendar

// FetchError is why something could not be fetched.
type FetchError struct {
	Code   string `json:"code" example:"fetch.timeout"`
	Detail string `json:"detail" example:"The host took too long to answer."`
} //	@name	FetchError

// CreateExternalCalendar is what makes an external calendar.
type CreateExternalCalendar struct {
	UserID kernel.UserID `json:"user_id" validate:"required"`
	Name   *string       `json:"name,omitempty" validate:"omitempty,max=200" example:"Google"`
	URL    string        `json:"url" validate:"required,max=2048" example:"https://calendar.example/secret/basic.ics"`
	Paused bool          `json:"paused,omitempty"`
} //	@name	CreateExternalCalendar

// PatchExternalCalendar changes an external calendar. With another URL, what was known of the one before is forgotten.
type PatchExternalCalendar struct {
	Name   merge.Field[string] `json:"name" validate:"max=200" example:"Google"`
	URL    merge.Field[string] `json:"url" validate:"max=2048" extensions:"!x-nullable" example:"https://calendar.example/secret/basic.ics"`
	Paused merge.Field[bool]   `json:"paused" extensions:"!x-nullable"`
} //	@name	PatchExternalCalendar

// Presence is what a user says of themselves. It goes before shifts and absences until it expires.
type Presence struct {
	ID        kernel.UserID `json:"id"` // the user's
	Version   int64         `json:"version" example:"3"`
	State     string        `json:"state" enums:"in,away" example:"away"`
	Since     time.Time     `json:"since"`
	Until     time.Time     `json:"until"`
	CreatedAt time.Time     `json:"created_at"`
	UpdatedAt time.Time     `json:"updated_at"`
	DeletedAt *time.Time    `json:"deleted_at"`
} //	@name	Presence

// PutPresence says that a user is in or away.
type PutPresence struct {
	State string     `json:"state" validate:"required" enums:"in,away" example:"away"`
	Until *time.Time `json:"until,omitempty"` // twelve hours ahead when left out, seven days at most
} //	@name	PutPresence

// OpenInterval is a time in one piece, with the offset that holds in the dealership's zone.
type OpenInterval struct {
	From time.Time `json:"from" example:"2026-11-27T09:00:00+01:00"`
	To   time.Time `json:"to" example:"2026-11-27T12:00:00+01:00"`
} //	@name	OpenInterval

// Labels is a text in each language.
type Labels struct {
	En string `json:"en" example:"Good Friday"`
	Fr string `json:"fr" example:"Vendredi saint"`
} //	@name	CalendarLabels

// Deviation is why a time is not as the week says.
type Deviation struct {
	Kind     string     `json:"kind" enums:"exception,holiday,closure,absence,busy,presence" example:"holiday"`
	From     time.Time  `json:"from" example:"2027-03-26T00:00:00+01:00"`
	To       time.Time  `json:"to" example:"2027-03-27T00:00:00+01:00"`
	Closed   bool       `json:"closed"`                      // false for special hours, and for who says to be in
	Code     *string    `json:"code" example:"good_friday"`  // of a holiday, the kind of an absence, the state of a presence
	Note     *string    `json:"note" example:"Team meeting"` // the note of an exception or absence, the label of a closure
	Labels   *Labels    `json:"labels"`                      // of a holiday
	SourceID *uuid.UUID `json:"source_id"`                   // the closure, absence or external calendar
} //	@name	CalendarDeviation

// Calendar is when a dealership is open, or when somebody works there.
type Calendar struct {
	DealershipID kernel.DealershipID `json:"dealership_id"`
	UserID       *kernel.UserID      `json:"user_id"` // null for the dealership's calendar
	Department   *string             `json:"department" example:"sales"`
	TimeZone     string              `json:"time_zone" example:"Europe/Paris"`
	From         time.Time           `json:"from"`
	To           time.Time           `json:"to"`
	Known        bool                `json:"known"` // false when nobody has said any hours
	Minutes      int64               `json:"minutes" example:"420"`
	Intervals    []OpenInterval      `json:"intervals"`
	Deviations   []Deviation         `json:"deviations"`
} //	@name	Calendar

// StaffMember is somebody who works at a dealership, and whether they do at the time asked for.
type StaffMember struct {
	ID      kernel.UserID `json:"id"` // the user's
	Name    string        `json:"name" example:"Inès Tabarly"`
	Working bool          `json:"working"`
	Reason  string        `json:"reason" enums:"present,away,absent,busy,on_shift,off_shift,open,closed,hours_unknown" example:"on_shift"`
	Until   *time.Time    `json:"until"` // when the reason ends; null when not within two weeks
} //	@name	StaffMember

// Holiday is a public holiday.
type Holiday struct {
	Date       string `json:"date" format:"date" example:"2027-03-26"`
	Code       string `json:"code" example:"good_friday"`
	Labels     Labels `json:"labels"`
	Regional   bool   `json:"regional"`   // not in the whole country
	Substitute bool   `json:"substitute"` // in place of a day that fell on a weekend
} //	@name	Holiday

// HolidayList is the public holidays of a year.
type HolidayList struct {
	Data []Holiday `json:"data"`
} //	@name	HolidayList

func fromHours(h calendars.Hours) OpeningHours {
	d := h.Details
	return OpeningHours{
		ID: h.ID, Version: h.Version, DealershipID: d.Dealership, Department: orNull(d.Department),
		Week: httpx.Mapped(d.Week, func(w calendars.WeekHours) WeekHours { return WeekHours{w.Day, w.From, w.To} }),
		Exceptions: httpx.Mapped(d.Exceptions, func(e calendars.Exception) HoursException {
			return HoursException{Date: e.Date, Note: orNull(e.Note), Hours: httpx.Mapped(e.Hours, func(s calendars.TimeSpan) TimeSpan { return TimeSpan(s) })}
		}),
		Holidays: HolidayRule{
			Closed: d.Holidays.Closed, Country: orNull(d.Holidays.Country), Region: orNull(d.Holidays.Region), OpenOn: httpx.Mapped(d.Holidays.OpenOn, same),
		},
		CreatedAt: h.CreatedAt, UpdatedAt: h.UpdatedAt, DeletedAt: h.DeletedAt,
	}
}

func toWeek(in []WeekHours) []calendars.WeekHours {
	return httpx.Mapped(in, func(w WeekHours) calendars.WeekHours {
		return calendars.WeekHours{Day: w.Day, TimeSpan: calendars.TimeSpan{From: w.From, To: w.To}}
	})
}

func toExceptions(in []HoursExceptionInput) []calendars.Exception {
	return httpx.Mapped(in, func(e HoursExceptionInput) calendars.Exception {
		return calendars.Exception{Date: e.Date, Note: value(e.Note), Hours: httpx.Mapped(e.Hours, func(s TimeSpan) calendars.TimeSpan { return calendars.TimeSpan(s) })}
	})
}

func (in HolidayRuleInput) toDomain() calendars.HolidayRule {
	return calendars.HolidayRule{
		Closed: in.Closed == nil || *in.Closed, Country: value(in.Country), Region: value(in.Region), OpenOn: httpx.Mapped(in.OpenOn, same),
	}
}

func (in CreateOpeningHours) toDomain() calendars.HoursDetails {
	return calendars.HoursDetails{
		Dealership: in.DealershipID, Department: value(in.Department), Week: toWeek(in.Week), Exceptions: toExceptions(in.Exceptions),
		Holidays: value(in.Holidays).toDomain(),
	}
}

func (in PatchOpeningHours) apply(d *calendars.HoursDetails) {
	if in.Week.Set {
		d.Week = toWeek(in.Week.Value)
	}
	if in.Exceptions.Set {
		d.Exceptions = toExceptions(in.Exceptions.Value)
	}
	if in.Holidays.Set {
		d.Holidays = in.Holidays.Value.toDomain()
	}
}

func fromClosure(c calendars.Closure) Closure {
	d := c.Details
	return Closure{
		ID: c.ID, Version: c.Version, DealershipID: d.Dealership, Department: orNull(d.Department), Label: orNull(d.Label), Starts: d.Starts,
		Ends: d.Ends, RRule: orNull(d.Rule), ExceptDates: httpx.Mapped(d.Except, same), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, DeletedAt: c.DeletedAt,
	}
}

func (in CreateClosure) toDomain() calendars.ClosureDetails {
	return calendars.ClosureDetails{
		Dealership: in.DealershipID, Department: value(in.Department), Label: value(in.Label), Starts: in.Starts, Ends: in.Ends,
		Rule: value(in.RRule), Except: httpx.Mapped(in.ExceptDates, same),
	}
}

func (in PatchClosure) apply(d *calendars.ClosureDetails) {
	in.Department.Apply(&d.Department)
	in.Label.Apply(&d.Label)
	in.Starts.Apply(&d.Starts)
	in.Ends.Apply(&d.Ends)
	in.RRule.Apply(&d.Rule)
	if in.ExceptDates.Set {
		d.Except = httpx.Mapped(in.ExceptDates.Value, same)
	}
}

func fromShift(s calendars.Shift) Shift {
	d := s.Details
	return Shift{
		ID: s.ID, Version: s.Version, UserID: d.User, DealershipID: d.Dealership, Department: orNull(d.Department), Day: orNull(d.Day),
		Date: orNull(d.Date), From: d.From, To: d.To, ValidFrom: orNull(d.ValidFrom), ValidUntil: orNull(d.ValidUntil),
		CreatedAt: s.CreatedAt, UpdatedAt: s.UpdatedAt, DeletedAt: s.DeletedAt,
	}
}

func (in CreateShift) toDomain() calendars.ShiftDetails {
	return calendars.ShiftDetails{
		User: in.UserID, Dealership: in.DealershipID, Department: value(in.Department), Day: value(in.Day), Date: value(in.Date),
		From: in.From, To: in.To, ValidFrom: value(in.ValidFrom), ValidUntil: value(in.ValidUntil),
	}
}

func (in PatchShift) apply(d *calendars.ShiftDetails) {
	in.Department.Apply(&d.Department)
	in.Day.Apply(&d.Day)
	in.Date.Apply(&d.Date)
	in.From.Apply(&d.From)
	in.To.Apply(&d.To)
	in.ValidFrom.Apply(&d.ValidFrom)
	in.ValidUntil.Apply(&d.ValidUntil)
}

// fromAbsence shows an absence as the actor may see it.
func fromAbsence(actor auth.Actor) func(calendars.Absence) Absence {
	return func(a calendars.Absence) Absence {
		d := a.Details
		out := Absence{
			ID: a.ID, Version: a.Version, UserID: d.User, Kind: d.Kind, StartsAt: d.Starts.UTC(), EndsAt: d.Ends.UTC(),
			CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt, DeletedAt: a.DeletedAt,
		}
		if calendars.SeesNote(actor, d.User) {
			out.Note = orNull(d.Note)
		}
		return out
	}
}

func (in CreateAbsence) toDomain() calendars.AbsenceDetails {
	return calendars.AbsenceDetails{User: in.UserID, Kind: in.Kind, Starts: in.StartsAt, Ends: in.EndsAt, Note: value(in.Note)}
}

func (in PatchAbsence) apply(d *calendars.AbsenceDetails) {
	in.Kind.Apply(&d.Kind)
	in.StartsAt.Apply(&d.Starts)
	in.EndsAt.Apply(&d.Ends)
	in.Note.Apply(&d.Note)
}

func fromExternal(e calendars.External) ExternalCalendar {
	d := e.Details
	out := ExternalCalendar{
		ID: e.ID, Version: e.Version, UserID: d.User, Name: orNull(d.Name), URL: d.Link.Shown, Paused: d.Paused, State: d.State(),
		LastFetchedAt: d.FetchedAt, NextFetchAt: d.NextAt, BusyCount: d.Busy, SkippedCount: d.Skipped,
		CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt, DeletedAt: e.DeletedAt,
	}
	if d.Error.Code != "" {
		out.LastError = &FetchError{Code: d.Error.Code, Detail: d.Error.Detail}
	}
	return out
}

func (in CreateExternalCalendar) toDomain() calendars.ExternalDetails {
	return calendars.ExternalDetails{User: in.UserID, Name: value(in.Name), Link: calendars.Link{New: in.URL}, Paused: in.Paused}
}

func (in PatchExternalCalendar) apply(d *calendars.ExternalDetails) {
	in.Name.Apply(&d.Name)
	in.URL.Apply(&d.Link.New)
	in.Paused.Apply(&d.Paused)
}

func fromPresence(p calendars.Presence) Presence {
	d := p.Details
	return Presence{
		ID: p.ID, Version: p.Version, State: d.State, Since: d.Since.UTC(), Until: d.Until.UTC(),
		CreatedAt: p.CreatedAt, UpdatedAt: p.UpdatedAt, DeletedAt: p.DeletedAt,
	}
}

func fromCalendar(c calendars.Calendar) Calendar {
	return Calendar{
		DealershipID: c.Dealership, Department: orNull(c.Department), TimeZone: c.Zone.String(), From: c.From.In(c.Zone), To: c.To.In(c.Zone),
		Known: c.Known, Minutes: c.Minutes(),
		Intervals: httpx.Mapped(c.Intervals, func(i worktime.Interval) OpenInterval { return OpenInterval(i) }),
		Deviations: httpx.Mapped(c.Deviations, func(d calendars.Deviation) Deviation {
			out := Deviation{Kind: d.Kind, From: d.From.In(c.Zone), To: d.To.In(c.Zone), Closed: d.Closed, Code: orNull(d.Code), SourceID: d.Source}
			if d.French != "" {
				out.Labels = &Labels{En: d.Label, Fr: d.French}
			} else {
				out.Note = orNull(d.Label)
			}
			return out
		}),
	}
}

func fromMember(m calendars.Member) StaffMember {
	out := StaffMember{ID: m.ID, Name: m.Name, Working: m.Working, Reason: m.Reason}
	if m.Until != nil {
		until := m.Until.UTC()
		out.Until = &until
	}
	return out
}

func fromHoliday(h holidays.Holiday) Holiday {
	return Holiday{Date: h.Date.String(), Code: h.Code, Labels: Labels{En: h.Name, Fr: h.NameFR}, Regional: h.Regional, Substitute: h.Substitute}
}

func same[T any](v T) T { return v }

// orNull: what is not known is null on the wire.
func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
