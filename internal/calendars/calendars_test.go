package calendars

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

func TestRegionOf(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"FR", "67000", "FR-67"},
		{"FR", "68100", "FR-68"},
		{"FR", "57000", "FR-57"},
		{"FR", "75011", ""},
		{"FR", "97110", "FR-971"},
		{"FR", "97133", "FR-BL"},
		{"FR", "97150", "FR-MF"},
		{"FR", "97200", "FR-972"},
		{"FR", "97300", "FR-973"},
		{"FR", "97400", "FR-974"},
		{"FR", "97600", "FR-976"},
		{"FR", "98000", ""},
		{"FR", "670", ""},
		{"FR", "", ""},
		{"DE", "67000", ""},
	} {
		assert.Equal(t, c[2], regionOf(c[0], c[1]), "%v", c)
	}
}

func TestSpanOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[[2]string]worktime.Span{
		{"09:00", "12:00"}: {From: 540, To: 720}, {"22:00", "06:00"}: {From: 1320, To: 1800}, {"00:00", "24:00"}: {From: 0, To: 1440},
		{"22:00", "00:00"}: {From: 1320, To: 1440}, {"22:00", "24:00"}: {From: 1320, To: 1440},
	} {
		got, ok := spanOf(text[0], text[1])
		assert.True(t, ok, "%v", text)
		assert.Equal(t, want, got, "%v", text)
	}
	for _, text := range [][2]string{
		{"09:00", "09:00"}, {"24:00", "12:00"}, {"9:00", "12:00"}, {"09:60", "12:00"}, {"09:00", "24:01"}, {"09-00", "12:00"}, {"", ""}, {"09:0a", "12:00"},
	} {
		_, ok := spanOf(text[0], text[1])
		assert.False(t, ok, "%v", text)
	}
}

func TestShiftsOverlap(t *testing.T) {
	t.Parallel()
	weekly := func(day, from, to, first, last string) ShiftDetails {
		return ShiftDetails{Day: day, From: from, To: to, ValidFrom: first, ValidUntil: last}
	}
	dated := func(date, from, to string) ShiftDetails { return ShiftDetails{Date: date, From: from, To: to} }
	for _, c := range []struct {
		name string
		a, b ShiftDetails
		want bool
	}{
		{"one after the other", weekly("monday", "09:00", "12:00", "", ""), weekly("monday", "12:00", "14:00", "", ""), false},
		{"a common minute", weekly("monday", "09:00", "12:01", "", ""), weekly("monday", "12:00", "14:00", "", ""), true},
		{"another day", weekly("monday", "09:00", "12:00", "", ""), weekly("tuesday", "09:00", "12:00", "", ""), false},
		{"over midnight", weekly("monday", "22:00", "04:00", "", ""), weekly("tuesday", "03:00", "12:00", "", ""), true},
		{"over the end of the week", weekly("saturday", "22:00", "04:00", "", ""), weekly("sunday", "03:00", "12:00", "", ""), true},
		{"one valid after the other", weekly("monday", "09:00", "12:00", "", "2026-12-31"), weekly("monday", "09:00", "12:00", "2027-01-04", ""), false},
		{"both valid for a while", weekly("monday", "09:00", "12:00", "", "2027-01-31"), weekly("monday", "09:00", "12:00", "2027-01-04", ""), true},
		{"on dates", dated("2026-12-07", "22:00", "04:00"), dated("2026-12-08", "03:00", "05:00"), true},
		{"on other dates", dated("2026-12-07", "22:00", "04:00"), dated("2026-12-14", "03:00", "05:00"), false},
		{"a dated one takes the place", weekly("monday", "09:00", "12:00", "", ""), dated("2026-12-07", "09:00", "12:00"), false},
	} {
		assert.Equal(t, c.want, c.a.overlaps(c.b), c.name)
		assert.Equal(t, c.want, c.b.overlaps(c.a), c.name)
	}
}

// What rules and holidays take out of a year costs one look at each day.
func TestAYearOfAPlan(t *testing.T) { // alone, since it counts allocations
	paris, err := time.LoadLocation("Europe/Paris")
	require.NoError(t, err)
	hours := Hours{Details: HoursDetails{Holidays: HolidayRule{Closed: true, OpenOn: []string{"whit_monday"}}}}
	for _, day := range []string{"monday", "tuesday", "wednesday", "thursday", "friday"} {
		hours.Details.Week = append(hours.Details.Week, WeekHours{day, TimeSpan{"09:00", "18:00"}})
	}
	meeting := Closure{ID: kernel.NewID[kernel.ClosureID](), Details: ClosureDetails{
		Starts: "2020-01-06T12:00", Ends: "2020-01-06T14:00", Rule: "FREQ=MONTHLY;BYDAY=1MO",
	}}
	p := newPlan(Dealership{Country: "FR", Zone: paris}, "", []Hours{hours}, []Closure{meeting})
	from := time.Date(2026, 1, 1, 0, 0, 0, 0, paris)
	// 261 working days, of which eight are holidays that close; twelve meetings, one of them on Easter Monday.
	const want = (261-8)*9*60 - 11*120
	assert.Equal(t, int64(want), p.schedule.Minutes(from, from.AddDate(1, 0, 0)))
	assert.Less(t, testing.AllocsPerRun(3, func() { p.schedule.Minutes(from, from.AddDate(1, 0, 0)) }), 200.0)
}
