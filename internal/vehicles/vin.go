// Package vehicles owns what is known of cars. So far that is what their numbers say; the lead keeps what the person said.
package vehicles

import (
	"errors"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/auth"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/pkg/vin"
)

// ErrBadVIN is a text that is no VIN, or one that its market's rules forbid.
var ErrBadVIN = errs.New(errs.Invalid, "vin.invalid", "This is no valid VIN.")

// Service is what may be asked of vehicles.
type Service struct{ now func() time.Time }

// NewService makes it.
func NewService(now func() time.Time) *Service { return &Service{now: now} }

// DecodeVIN tells what a VIN says by itself. It fails with ErrBadVIN, which names the place and what was probably meant.
func (s *Service) DecodeVIN(actor auth.Actor, text string) (vin.Facts, error) {
	if err := actor.Require(auth.VehiclesRead); err != nil {
		return vin.Facts{}, err
	}
	// Makers sell the cars of next year this year, and some those of the year after.
	const ahead = 2
	v, err := vin.Parse(text)
	if err != nil {
		return vin.Facts{}, badVIN(err, text)
	}
	facts := v.Decode(s.now().Year() + ahead)
	if facts.Problem != nil {
		return vin.Facts{}, badVIN(facts.Problem, text)
	}
	return facts, nil
}

// badVIN says what is wrong with the text, in which character, and what it may have been.
func badVIN(err error, text string) error {
	var why *vin.Error
	if !errors.As(err, &why) {
		return err
	}
	detail := sentence(why.Error())
	if likely, ok := vin.Suggest(text); ok {
		detail += " Perhaps it is " + string(likely) + "."
	}
	return ErrBadVIN.Saying("%s", detail).At(errs.Field{Pointer: "/vin", Code: string(why.Reason), Detail: detail})
}

// sentence begins with a capital and ends with a full stop.
func sentence(text string) string {
	if text[0] >= 'a' && text[0] <= 'z' {
		text = string(text[0]-'a'+'A') + text[1:]
	}
	return text + "."
}
