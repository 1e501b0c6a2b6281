package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// journey is where one lead stands and who works on it.
type journey struct {
	id     kernel.LeadID
	place  int
	kind   leads.Type
	status leads.Status
	owner  staff
}

// turn is what may happen to a lead next: how likely, and after how long.
type turn struct {
	weight      int
	to          leads.Status // "" for nothing more
	least, most time.Duration
}

// salesTurns is how leads of the sales desk go, serviceTurns those of the workshop.
var (
	salesTurns = map[leads.Status][]turn{
		leads.StatusNew:      {{97, leads.StatusAssigned, 4 * time.Minute, 5 * time.Hour}, {3, leads.StatusInvalid, time.Hour, 6 * time.Hour}},
		leads.StatusAssigned: {{54, leads.StatusContactAttempted, 10 * time.Minute, 20 * time.Hour}, {43, leads.StatusInContact, 5 * time.Minute, 10 * time.Hour}, {3, leads.StatusInvalid, time.Hour, 2 * day}},
		leads.StatusContactAttempted: {
			{64, leads.StatusInContact, 2 * time.Hour, 3 * day}, {24, leads.StatusLost, 5 * day, 14 * day}, {12, "", 0, 0},
		},
		leads.StatusInContact: {
			{46, leads.StatusAppointmentSet, time.Hour, 4 * day},
			{14, leads.StatusOffer, day, 6 * day},
			{17, leads.StatusLost, 2 * day, 20 * day},
			{10, leads.StatusPostponed, day, 5 * day},
			{13, "", 0, 0},
		},
		leads.StatusAppointmentSet: {
			{74, leads.StatusVisited, day, 8 * day}, {12, leads.StatusLost, 2 * day, 10 * day}, {4, leads.StatusContactAttempted, day, 4 * day}, {10, "", 0, 0},
		},
		leads.StatusVisited:   {{66, leads.StatusOffer, time.Hour, 4 * day}, {22, leads.StatusLost, 2 * day, 15 * day}, {12, "", 0, 0}},
		leads.StatusOffer:     {{46, leads.StatusWon, day, 14 * day}, {30, leads.StatusLost, 3 * day, 20 * day}, {6, leads.StatusPostponed, day, 6 * day}, {18, "", 0, 0}},
		leads.StatusLost:      {{5, leads.StatusInContact, 8 * day, 25 * day}, {95, "", 0, 0}},
		leads.StatusPostponed: nil, // comes back by itself
		leads.StatusWon:       nil,
		leads.StatusInvalid:   nil,
	}
	serviceTurns = map[leads.Status][]turn{
		leads.StatusNew:              salesTurns[leads.StatusNew],
		leads.StatusAssigned:         {{30, leads.StatusContactAttempted, 10 * time.Minute, 8 * time.Hour}, {70, leads.StatusInContact, 5 * time.Minute, 8 * time.Hour}},
		leads.StatusContactAttempted: {{85, leads.StatusInContact, 2 * time.Hour, 2 * day}, {15, leads.StatusLost, 5 * day, 9 * day}},
		leads.StatusInContact:        {{80, leads.StatusAppointmentSet, 10 * time.Minute, day}, {12, leads.StatusLost, day, 8 * day}, {8, "", 0, 0}},
		leads.StatusAppointmentSet:   {{92, leads.StatusVisited, day, 10 * day}, {8, leads.StatusLost, day, 10 * day}},
		leads.StatusVisited:          {{85, leads.StatusWon, time.Hour, day}, {15, "", 0, 0}},
		leads.StatusOffer:            nil,
		leads.StatusPostponed:        nil,
		leads.StatusWon:              nil,
		leads.StatusLost:             nil,
		leads.StatusInvalid:          nil,
	}
)

func (j *journey) atWorkshop() bool { return j.kind == leads.TypeService || j.kind == leads.TypeParts }

// work puts the lead's next turn on the agenda.
func (h *past) work(tx context.Context, j *journey) {
	turns := salesTurns
	if j.atWorkshop() {
		turns = serviceTurns
	}
	t, more := h.draw(turns[j.status])
	if !more || t.to == "" {
		return
	}
	h.at(h.atWork(h.clock.Now().Add(h.between(t.least, t.most))), func() error {
		if err := h.turn(tx, j, t.to); err != nil {
			return fmt.Errorf("a lead from %s to %s: %w", j.status, t.to, err)
		}
		h.work(tx, j)
		return nil
	})
}

func (h *past) draw(turns []turn) (turn, bool) {
	total := 0
	for _, t := range turns {
		total += t.weight
	}
	if total == 0 {
		return turn{}, false
	}
	n := h.rand.IntN(total)
	for _, t := range turns {
		if n -= t.weight; n < 0 {
			return t, true
		}
	}
	return turn{}, false
}

// turn makes the move in the name of whoever has the lead.
func (h *past) turn(tx context.Context, j *journey, to leads.Status) error {
	if to == leads.StatusAssigned {
		return h.assign(tx, j)
	}
	actor := j.owner.actor
	if actor.User.IsZero() { // nobody has it yet
		actor = h.one(auth.RoleAgent, 0).actor
	}
	m := h.move(j, to)
	if _, err := h.Leads.Move(tx, actor, j.id, nil, m); err != nil {
		return err
	}
	j.status = to
	if to == leads.StatusPostponed {
		h.at(*m.PostponedUntil, func() error { return h.comeBack(tx, j) })
	}
	return nil
}

func (h *past) assign(tx context.Context, j *journey) error {
	role := auth.RoleSalesperson
	switch {
	case j.atWorkshop():
		role = auth.RoleServiceAdviser
	case h.chance(30):
		role = auth.RoleAgent
	}
	j.owner = h.one(role, j.place)
	by := h.one(pick(h.rand, []auth.Role{auth.RoleAgent, auth.RoleAgent, auth.RoleManager}), j.place)
	if _, err := h.Leads.Assign(tx, by.actor, j.id, nil, j.owner.actor.User, ""); err != nil {
		return err
	}
	j.status = leads.StatusAssigned
	h.at(h.atWork(h.clock.Now().Add(h.between(time.Minute, 4*time.Minute))), func() error {
		_, err := h.Leads.MarkViewed(tx, j.owner.actor, j.id, nil)
		return err
	})
	return nil
}

// comeBack is what the background does when a postponement ends.
func (h *past) comeBack(tx context.Context, j *journey) error {
	if err := h.Leads.Return(tx, h.account, uuid.UUID(j.id)); err != nil {
		return err
	}
	j.status = leads.StatusInContact
	h.work(tx, j)
	return nil
}

// move adds what the target state asks for.
func (h *past) move(j *journey, to leads.Status) leads.Move {
	now := h.clock.Now()
	m := leads.Move{To: to}
	switch to {
	case leads.StatusLost:
		m.Reason = "no_contact"
		if j.status != leads.StatusContactAttempted {
			m.Reason = pick(h.rand, []string{"price", "price", "finance_refused", "bought_same_brand", "bought_other_brand", "bought_other_brand", "vehicle_sold", "not_in_market", "out_of_area", "other"})
		}
	case leads.StatusInvalid:
		m.Reason = pick(h.rand, leads.InvalidReasons())
	case leads.StatusPostponed:
		until := h.atWork(now.Add(h.between(7*day, 45*day))).UTC().Truncate(time.Second)
		m.PostponedUntil, m.Note = &until, "Souhaite être rappelé plus tard."
	case leads.StatusWon:
		h.serial++
		m.Sale = leads.Sale{OrderNumber: fmt.Sprintf("BC-%05d", h.serial), SoldAt: &now}
		if !j.atWorkshop() && h.chance(50) {
			m.Sale.VIN = inventedVIN(h.rand)
		}
	case leads.StatusAppointmentSet:
		m.Note = "Rendez-vous confirmé par téléphone."
	case leads.StatusContactAttempted:
		m.Note = pick(h.rand, []string{"Message laissé sur le répondeur.", "E-mail envoyé.", "Ne répond pas, à rappeler."})
	case leads.StatusNew, leads.StatusAssigned, leads.StatusInContact, leads.StatusVisited, leads.StatusOffer:
	}
	return m
}
