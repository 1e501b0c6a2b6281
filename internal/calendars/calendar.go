package calendars

import (
	"context"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/worktime"
)

// Calendar is when a department is open between two instants, or when somebody works.
type Calendar struct {
	Dealership kernel.DealershipID
	Department string
	Zone       *time.Location
	From, To   time.Time
	// Known tells that there are opening hours. Without them nothing is listed, and open time is counted around the clock.
	Known      bool
	Intervals  []worktime.Interval
	Deviations []Deviation
}

// Minutes is how many whole minutes the intervals have together.
func (c Calendar) Minutes() int64 { return int64(worktime.Length(c.Intervals) / time.Minute) }

// Open is the calendar of a department of a dealership that the actor may see; "" stands for departments without hours of their
// own. It fails with ErrNotFound.
func (s *Service) Open(
	ctx context.Context, actor auth.Actor, dealership kernel.DealershipID, department string, from, to time.Time,
) (Calendar, error) {
	p, err := s.visiblePlan(ctx, actor, dealership, department)
	if err != nil {
		return Calendar{}, err
	}
	out := Calendar{
		Dealership: dealership, Department: department, Zone: p.dealership.Zone, From: from, To: to, Known: p.known,
		Intervals: []worktime.Interval{}, Deviations: p.deviations(from, to),
	}
	if p.known {
		out.Intervals = p.schedule.Open(from, to, 0)
	}
	return out, nil
}

func (s *Service) visiblePlan(ctx context.Context, actor auth.Actor, dealership kernel.DealershipID, department string) (*plan, error) {
	if err := actor.Require(auth.CalendarsRead); err != nil {
		return nil, err
	}
	if !actor.CanAt(auth.CalendarsRead, dealership) {
		return nil, ErrNotFound
	}
	return s.plan(ctx, actor.Account, dealership, department)
}

// Schedule is when a department is open, for arithmetic of other contexts; a few seconds old at most. Without opening hours known
// is false, and the schedule is open around the clock: what counts open time must not stand still for lack of a setting.
func (s *Service) Schedule(
	ctx context.Context, account kernel.AccountID, dealership kernel.DealershipID, department string,
) (schedule *worktime.Schedule, known bool, err error) {
	p, err := s.plan(ctx, account, dealership, department)
	if err != nil {
		return nil, false, err
	}
	if !p.known {
		always := worktime.Always()
		always.Zone = p.dealership.Zone
		return always, false, nil
	}
	return p.schedule, true, nil
}

// OpenMinutes is how many whole open minutes of a department lie between two instants.
func (s *Service) OpenMinutes(
	ctx context.Context, account kernel.AccountID, dealership kernel.DealershipID, department string, from, to time.Time,
) (int64, error) {
	schedule, _, err := s.Schedule(ctx, account, dealership, department)
	if err != nil {
		return 0, err
	}
	return schedule.Minutes(from, to), nil
}

// AddOpenMinutes is the first instant by which so many open minutes have passed. It fails with ErrNeverOpen.
func (s *Service) AddOpenMinutes(
	ctx context.Context, account kernel.AccountID, dealership kernel.DealershipID, department string, from time.Time, minutes int64,
) (time.Time, error) {
	schedule, _, err := s.Schedule(ctx, account, dealership, department)
	if err != nil {
		return time.Time{}, err
	}
	at, ok := schedule.Add(from, time.Duration(minutes)*time.Minute)
	if !ok {
		return time.Time{}, ErrNeverOpen
	}
	return at, nil
}
