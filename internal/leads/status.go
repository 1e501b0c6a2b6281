package leads

import (
	"slices"
	"strings"
	"time"

	"github.com/rooftop-crm/rooftop/internal/platform/errs"
)

// Status is where a lead stands.
type Status string

// The states. Open ones are worked on; postponed returns by itself; won, lost and invalid are closed.
const (
	StatusNew              Status = "new"
	StatusAssigned         Status = "assigned"
	StatusContactAttempted Status = "contact_attempted"
	StatusInContact        Status = "in_contact"
	StatusAppointmentSet   Status = "appointment_set"
	StatusVisited          Status = "visited"
	StatusOffer            Status = "offer"
	StatusPostponed        Status = "postponed"
	StatusWon              Status = "won"
	StatusLost             Status = "lost"
	StatusInvalid          Status = "invalid"
)

// Statuses lists every state, open ones first, in the order of the work.
func Statuses() []Status {
	return []Status{
		StatusNew, StatusAssigned, StatusContactAttempted, StatusInContact, StatusAppointmentSet, StatusVisited,
		StatusOffer, StatusPostponed, StatusWon, StatusLost, StatusInvalid,
	}
}

// Open tells whether the lead is being worked on. A postponed lead is open: a new enquiry joins it.
func (s Status) Open() bool { return !s.Closed() }

// Closed tells whether the lead has ended.
func (s Status) Closed() bool { return s == StatusWon || s == StatusLost || s == StatusInvalid }

// moves is the whole table of allowed moves. Open states move to any other but back to new.
var moves = map[Status][]Status{
	StatusNew:              after(StatusNew),
	StatusAssigned:         after(StatusAssigned),
	StatusContactAttempted: after(StatusContactAttempted),
	StatusInContact:        after(StatusInContact),
	StatusAppointmentSet:   after(StatusAppointmentSet),
	StatusVisited:          after(StatusVisited),
	StatusOffer:            after(StatusOffer),
	StatusPostponed:        after(StatusPostponed),
	StatusWon:              {StatusInContact},
	StatusLost:             {StatusInContact},
	StatusInvalid:          {StatusInContact},
}

func after(s Status) []Status {
	return slices.DeleteFunc(Statuses(), func(to Status) bool { return to == StatusNew || to == s })
}

// Moves lists where a lead in that state may go.
func (s Status) Moves() []Status { return moves[s] }

// LostReasons are the codes a lost lead may give.
func LostReasons() []string {
	return []string{
		"price", "finance_refused", "bought_same_brand", "bought_other_brand", "vehicle_sold", "no_contact",
		"not_in_market", "out_of_area", "other",
	}
}

// InvalidReasons are the codes an invalid lead may give.
func InvalidReasons() []string {
	return []string{"duplicate", "spam", "test", "invalid_details", "not_a_lead"}
}

var (
	// ErrIllegalMove is a move outside the table.
	ErrIllegalMove = errs.New(errs.Conflict, "lead.illegal_move", "A lead cannot go there from where it stands.")
	// ErrWonNeedsVIN is a win without a proof of sale.
	ErrWonNeedsVIN = errs.New(errs.Invalid, "lead.won_needs_vin", "A won lead needs a VIN or an order number, and a date.")
	// ErrReasonNeeded is a loss without a reason.
	ErrReasonNeeded = errs.New(errs.Invalid, "lead.reason_needed", "A lost or invalid lead needs one of the reason codes.")
	// ErrDateNeeded is a postponement without a date to come.
	ErrDateNeeded = errs.New(errs.Invalid, "lead.postponed_needs_date", "A postponed lead needs a date in the future, on which it returns.")
)

// Move is one change of status.
type Move struct {
	To             Status
	Reason         string // a code for lost and invalid; free text else
	Note           string
	PostponedUntil *time.Time
	Sale           Sale
}

// Apply moves the lead. It fails with ErrIllegalMove outside the table, and with ErrWonNeedsVIN, ErrReasonNeeded or
// ErrDateNeeded when the target state lacks what it needs. Moving a lead to where it stands is an illegal move.
func (l *Lead) Apply(m Move, at time.Time) error {
	if !slices.Contains(moves[l.Status], m.To) {
		return ErrIllegalMove.Saying("A lead that is %s cannot become %s. It may become: %s.", l.Status, m.To, join(moves[l.Status]))
	}
	m.Sale.VIN = tidyVIN(m.Sale.VIN)
	if err := m.check(at); err != nil {
		return err
	}
	l.Status, l.StatusReason = m.To, m.Reason
	l.PostponedUntil, l.ClosedAt = nil, nil
	switch {
	case m.To == StatusPostponed:
		l.PostponedUntil = instant(m.PostponedUntil)
	case m.To.Closed():
		l.ClosedAt = &at
	}
	if m.To == StatusWon {
		l.Sale = m.Sale
		l.Sale.SoldAt = instant(m.Sale.SoldAt)
	} else {
		l.Sale = Sale{}
	}
	return nil
}

func (m Move) check(at time.Time) error {
	switch m.To {
	case StatusWon:
		var missing []errs.Field
		if m.Sale.VIN == "" && m.Sale.OrderNumber == "" {
			missing = append(missing, errs.Field{Pointer: "/vin", Code: "required", Detail: "Give the VIN or the order number of the sale."})
		}
		if m.Sale.SoldAt == nil {
			missing = append(missing, errs.Field{Pointer: "/sold_at", Code: "required", Detail: "Give the date of the sale."})
		}
		if missing != nil {
			return ErrWonNeedsVIN.At(missing...)
		}
	case StatusLost:
		return needReason(m.Reason, LostReasons())
	case StatusInvalid:
		return needReason(m.Reason, InvalidReasons())
	case StatusPostponed:
		if m.PostponedUntil == nil || !m.PostponedUntil.After(at) {
			return ErrDateNeeded.At(errs.Field{Pointer: "/postponed_until", Code: "required", Detail: "Give a time in the future."})
		}
	case StatusNew, StatusAssigned, StatusContactAttempted, StatusInContact, StatusAppointmentSet, StatusVisited, StatusOffer:
	}
	return nil
}

func needReason(reason string, codes []string) error {
	if slices.Contains(codes, reason) {
		return nil
	}
	return ErrReasonNeeded.At(errs.Field{Pointer: "/reason", Code: "not_one_of", Detail: "Give one of: " + join(codes) + "."})
}

func join[S ~string](items []S) string {
	names := make([]string, len(items))
	for i, s := range items {
		names[i] = string(s)
	}
	return strings.Join(names, ", ")
}
