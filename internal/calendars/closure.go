package calendars

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/audit"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/ical"
)

// ClosureDetails is a time during which a dealership, or one department, is closed: once, or again and again by a rule.
type ClosureDetails struct {
	Dealership kernel.DealershipID
	Department string // "" for all
	Label      string
	Starts     string // 2026-12-07T12:00 in the dealership's time
	Ends       string
	Rule       string // RRULE; "" for once
	Except     []string
}

const (
	longestClosure  = 400 * 24 * time.Hour
	longestRepeated = 31 * 24 * time.Hour
	maxClosures     = 200 // of a dealership
)

func (d ClosureDetails) fields() []field {
	return []field{
		{"dealership_id", d.Dealership},
		{"department", d.Department},
		{"label", d.Label},
		{"starts", d.Starts},
		{"ends", d.Ends},
		{"rrule", d.Rule},
		{"except_dates", d.Except},
	}
}

func (s *Service) closureRules() rules[ClosureDetails] {
	r := atDealership(func(d ClosureDetails) kernel.DealershipID { return d.Dealership })
	r.changed = func(account kernel.AccountID, d ClosureDetails) { s.forget(account, d.Dealership) }
	r.open = func(d ClosureDetails) audit.Fields {
		return audit.Fields{
			"dealership_id": d.Dealership, "department": d.Department, "label": d.Label, "starts": d.Starts, "ends": d.Ends, "rrule": d.Rule,
		}
	}
	r.check = func(ctx context.Context, actor auth.Actor, id uuid.UUID, d *ClosureDetails) error {
		var w wrong
		if _, err := s.dealership(ctx, actor.Account, d.Dealership, &w); err != nil {
			return err
		}
		d.validate(&w)
		if err := w.err(); err != nil {
			return err
		}
		all, err := s.store.Closures.All(ctx, actor.Account, Filter{Dealership: d.Dealership})
		if err != nil {
			return err
		}
		known := slices.ContainsFunc(all, func(c Closure) bool { return c.ID == kernel.ClosureID(id) })
		if !known && len(all) >= maxClosures {
			return ErrTooManyClosures
		}
		return nil
	}
	return r
}

func (d *ClosureDetails) validate(w *wrong) {
	w.department("/department", d.Department)
	w.text("/label", &d.Label, maxText)
	starts, ends := w.wall("/starts", d.Starts), w.wall("/ends", d.Ends)
	longest := longestClosure
	if d.Rule != "" {
		longest = longestRepeated
	}
	switch length := ends.Time().Sub(starts.Time()); {
	case len(w.fields) > 0:
	case length <= 0:
		w.add("/ends", "invalid", "Must be after starts.")
	case length > longest:
		w.add("/ends", "out_of_range", fmt.Sprintf("Must be at most %d days after starts.", int(longest.Hours())/24))
	}
	if d.Rule != "" {
		d.validateRule(w, starts.Time())
	}
	if len(d.Except) > maxExceptions {
		w.add("/except_dates", "too_many", fmt.Sprintf("At most %d.", maxExceptions))
		return
	}
	for i, date := range d.Except {
		w.date(fmt.Sprintf("/except_dates/%d", i), date)
	}
	d.Except = slices.Compact(slices.Sorted(slices.Values(d.Except)))
	if d.Except == nil {
		d.Except = []string{}
	}
}

func (d *ClosureDetails) validateRule(w *wrong, starts time.Time) {
	rule, err := ical.ParseRule(d.Rule)
	if err != nil {
		w.add("/rrule", "invalid", "The rule "+err.Error()+".")
		return
	}
	d.Rule = rule.String()
	if len(w.fields) > 0 {
		return
	}
	switch first, ok := rule.First(starts); {
	case !ok:
		w.add("/rrule", "never", "There is no day that fits this rule.")
	case !first.Equal(starts):
		w.add("/starts", "not_an_occurrence", "Must be the first time by the rule, which is "+first.Format("2006-01-02T15:04")+".")
	}
}
