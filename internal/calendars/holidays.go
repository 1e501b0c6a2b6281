package calendars

import (
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/holidays"
)

// HolidaysOf lists the public holidays of a year. It fails with holidays.ErrUnknown when the country or region is not covered.
func (s *Service) HolidaysOf(actor auth.Actor, country, region string, year int) ([]holidays.Holiday, error) {
	if err := actor.Require(auth.CalendarsRead); err != nil {
		return nil, err
	}
	return holidays.In(country, region, year)
}

// Now is the service's clock.
func (s *Service) Now() time.Time { return s.now() }
