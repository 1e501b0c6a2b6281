package leads

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// labels are the English and French names of each value that leads have, by enum and value.
var labels = map[string][][3]string{
	"lead_status": {
		{"new", "New", "Nouveau"},
		{"assigned", "Assigned", "Affecté"},
		{"contact_attempted", "Contact attempted", "Tentative de contact"},
		{"in_contact", "In contact", "En contact"},
		{"appointment_set", "Appointment set", "RDV pris"},
		{"visited", "Visited", "Venu"},
		{"offer", "Offer made", "Offre"},
		{"postponed", "Postponed", "Reporté"},
		{"won", "Won", "Gagné"},
		{"lost", "Lost", "Perdu"},
		{"invalid", "Invalid", "Non valable"},
	},
	"lead_type": {
		{"sales", "Sales", "Vente"},
		{"test_drive", "Test drive", "Essai"},
		{"trade_in", "Trade-in", "Reprise"},
		{"finance", "Finance", "Financement"},
		{"service", "Service", "Atelier"},
		{"parts", "Parts", "Pièces"},
		{"general", "General", "Général"},
	},
	"lead_channel": {
		{"web", "Web site", "Site web"},
		{"email", "E-mail", "E-mail"},
		{"phone", "Phone", "Téléphone"},
		{"chat", "Chat", "Chat"},
		{"walk_in", "Walk-in", "Visite spontanée"},
		{"oem", "Manufacturer", "Constructeur"},
		{"portal", "Portal", "Portail"},
	},
	"lead_lost_reason": {
		{"price", "Price", "Prix"},
		{"finance_refused", "Finance refused", "Financement refusé"},
		{"bought_same_brand", "Bought the same brand elsewhere", "Même marque achetée ailleurs"},
		{"bought_other_brand", "Bought another brand", "Autre marque achetée"},
		{"vehicle_sold", "Vehicle sold", "Véhicule vendu"},
		{"no_contact", "No contact", "Injoignable"},
		{"not_in_market", "Not in the market", "Plus acheteur"},
		{"out_of_area", "Out of area", "Hors secteur"},
		{"other", "Other", "Autre"},
	},
	"lead_invalid_reason": {
		{"duplicate", "Duplicate", "Doublon"},
		{"spam", "Spam", "Indésirable"},
		{"test", "Test", "Test"},
		{"invalid_details", "Invalid details", "Coordonnées fausses"},
		{"not_a_lead", "Not a lead", "Hors sujet"},
	},
	"lead_outcome": {
		{"created", "New lead", "Nouveau lead"},
		{"updated", "Updated", "Mis à jour"},
		{"touched", "Joined an open lead", "Rattaché à un lead ouvert"},
		{"duplicate", "Sent before", "Déjà envoyé"},
	},
	"lead_rule": {
		{"sender_id", "The sender's id is known", "Identifiant de l'expéditeur connu"},
		{"same_content", "Same words within 24 hours", "Même contenu en 24 heures"},
		{"same_source", "Same person and source within 30 days", "Même personne et même source en 30 jours"},
		{"other_source", "Same person from another source within 30 days", "Même personne, autre source, en 30 jours"},
		{"new_enquiry", "New enquiry", "Nouvelle demande"},
	},
	"inbox_state": {
		{"received", "Received", "Reçu"}, {"accepted", "Accepted", "Accepté"}, {"quarantined", "Quarantined", "En quarantaine"}, {"rejected", "Rejected", "Rejeté"},
	},
}

// Enums lists the closed lists of values of leads, with their labels.
func Enums() []enum.Enum {
	names := []string{
		"lead_status", "lead_type", "lead_channel", "lead_lost_reason", "lead_invalid_reason", "lead_outcome", "lead_rule", "inbox_state",
	}
	out := make([]enum.Enum, len(names))
	for i, name := range names {
		out[i].Name = name
		for _, l := range labels[name] {
			out[i].Values = append(out[i].Values, enum.Value{Value: l[0], En: l[1], Fr: l[2]})
		}
	}
	return out
}
