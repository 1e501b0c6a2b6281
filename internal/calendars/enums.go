package calendars

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// Enums lists the closed lists of values that calendars use.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "department", Values: []enum.Value{
			{Value: "sales", En: "Sales", Fr: "Vente"},
			{Value: "service", En: "Service", Fr: "Atelier"},
			{Value: "parts", En: "Parts", Fr: "Pièces de rechange"},
			{Value: "rental", En: "Rental", Fr: "Location"},
			{Value: "body_shop", En: "Body shop", Fr: "Carrosserie"},
			{Value: "office", En: "Office", Fr: "Administration"},
		}},
		{Name: "absence_kind", Values: []enum.Value{
			{Value: "vacation", En: "Holiday leave", Fr: "Congés"},
			{Value: "sick", En: "Sick leave", Fr: "Maladie"},
			{Value: "training", En: "Training", Fr: "Formation"},
			{Value: "other", En: "Other absence", Fr: "Autre absence"},
		}},
		{Name: "presence_state", Values: []enum.Value{
			{Value: PresenceIn, En: "In", Fr: "Présent"},
			{Value: PresenceAway, En: "Away", Fr: "Absent"},
		}},
		{Name: "external_calendar_state", Values: []enum.Value{
			{Value: ExternalActive, En: "Active", Fr: "Actif"},
			{Value: ExternalFailing, En: "Failing", Fr: "En échec"},
			{Value: ExternalPaused, En: "Paused", Fr: "En pause"},
		}},
		{Name: "working_reason", Values: []enum.Value{
			{Value: ReasonPresent, En: "Says to be in", Fr: "Se déclare présent"},
			{Value: ReasonAway, En: "Says to be away", Fr: "Se déclare absent"},
			{Value: ReasonAbsent, En: "Absent", Fr: "En absence"},
			{Value: ReasonBusy, En: "Busy by an external calendar", Fr: "Occupé selon un agenda externe"},
			{Value: ReasonOnShift, En: "On shift", Fr: "En service"},
			{Value: ReasonOffShift, En: "Off shift", Fr: "Hors service"},
			{Value: ReasonOpen, En: "Dealership open", Fr: "Point de vente ouvert"},
			{Value: ReasonClosed, En: "Dealership closed", Fr: "Point de vente fermé"},
			{Value: ReasonUnknown, En: "Hours not known", Fr: "Horaires inconnus"},
		}},
		{Name: "calendar_deviation", Values: []enum.Value{
			{Value: DeviationException, En: "Special hours", Fr: "Horaires exceptionnels"},
			{Value: DeviationHoliday, En: "Public holiday", Fr: "Jour férié"},
			{Value: DeviationClosure, En: "Closure", Fr: "Fermeture"},
			{Value: DeviationAbsence, En: "Absence", Fr: "Absence"},
			{Value: DeviationBusy, En: "Busy", Fr: "Occupé"},
			{Value: DeviationPresence, En: "Presence", Fr: "Présence"},
		}},
	}
}
