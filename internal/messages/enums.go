package messages

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// Enums lists the closed lists of values that messages uses.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "mail_state", Values: []enum.Value{
			{Value: "queued", En: "Waiting", Fr: "En attente"},
			{Value: "sending", En: "Being sent", Fr: "En cours d'envoi"},
			{Value: "sent", En: "Sent", Fr: "Envoyé"},
			{Value: "failed", En: "Not sent", Fr: "Échec"},
			{Value: "unknown", En: "Unknown", Fr: "Inconnu"},
			{Value: "bounced", En: "Returned", Fr: "Retourné"},
		}},
		{Name: "inbound_message_state", Values: []enum.Value{
			{Value: "received", En: "Received", Fr: "Reçu"},
			{Value: "handled", En: "Handled", Fr: "Traité"},
			{Value: "ignored", En: "Ignored", Fr: "Ignoré"},
		}},
		{Name: "inbound_message_kind", Values: []enum.Value{
			{Value: "personal", En: "Personal", Fr: "Personnel"},
			{Value: "auto", En: "Automatic", Fr: "Automatique"},
			{Value: "list", En: "Mailing list", Fr: "Liste de diffusion"},
			{Value: "no_reply", En: "No reply", Fr: "Sans réponse"},
			{Value: "bounce", En: "Delivery report", Fr: "Rapport de remise"},
		}},
		{Name: "mail_address_purpose", Values: []enum.Value{
			{Value: "intake", En: "Enquiries", Fr: "Demandes"},
			{Value: "reply", En: "Answers", Fr: "Réponses"},
			{Value: "bounce", En: "Delivery reports", Fr: "Rapports de remise"},
		}},
	}
}
