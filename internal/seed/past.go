package seed

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// past is the ninety days of one account while they are lived. Everything but secrets and ids is drawn from a fixed
// seed: the same group has the same story on every machine, as far as the present allows.
type past struct {
	Services
	group  group
	clock  *clock
	end    time.Time // the present: what would come later has not happened
	zone   *time.Location
	rand   *rand.Rand
	agenda agenda
	order  int

	account     kernel.AccountID
	dealerships []kernel.DealershipID
	staff       []staff
	api, site   auth.Actor
	partner     auth.Actor

	crowd  crowd
	serial int // of order numbers and partner's ids
}

func newHistory(g group, s Services, c *clock, end time.Time) *past {
	h := &past{
		Services: s, group: g, clock: c, end: end, rand: rand.New(rand.NewPCG(7, uint64(len(g.name)))), serial: 1000, //nolint:gosec // no secret
	}
	h.crowd = newCrowd(h.rand, g)
	return h
}

// live does everything that happened from the foundation until the present, in order. It stops when ctx ends.
func (h *past) live(ctx, tx context.Context) error {
	var err error
	if h.zone, err = time.LoadLocation(h.group.timeZone); err != nil {
		return err
	}
	h.meetRegulars(tx)
	h.expectEnquiries(tx)
	for s, more := h.agenda.next(); more; s, more = h.agenda.next() {
		if err := ctx.Err(); err != nil {
			return err
		}
		h.clock.set(s.at)
		if err := s.do(); err != nil {
			return err
		}
	}
	return nil
}

// at puts something on the agenda, unless it lies in the future.
func (h *past) at(when time.Time, do func() error) {
	if when.After(h.end) {
		return
	}
	h.order++
	h.agenda.add(step{when, h.order, do})
}

// between draws a duration.
func (h *past) between(least, most time.Duration) time.Duration {
	return least + time.Duration(h.rand.Int64N(int64(most-least)))
}

// chance is true in that many of a hundred cases.
func (h *past) chance(percent int) bool { return h.rand.IntN(100) < percent }

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

// The hours in which somebody is at work, Monday to Saturday.
const opens, closes = 9, 19

// atWork is the first moment from then on at which the dealership is open, a little into the day when it has to wait.
func (h *past) atWork(when time.Time) time.Time {
	t := when.In(h.zone)
	switch {
	case t.Hour() >= closes:
		t = h.morning(t.AddDate(0, 0, 1))
	case t.Hour() < opens:
		t = h.morning(t)
	}
	if t.Weekday() == time.Sunday {
		t = h.morning(t.AddDate(0, 0, 1))
	}
	return t
}

func (h *past) morning(day time.Time) time.Time {
	y, m, d := day.Date()
	return time.Date(y, m, d, opens, 0, 0, 0, h.zone).Add(h.between(time.Minute, 100*time.Minute))
}
