package events

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// Enums lists the closed lists of values that events uses.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "webhook_delivery_state", Values: []enum.Value{
			{Value: "pending", En: "Pending", Fr: "En attente"},
			{Value: "delivered", En: "Delivered", Fr: "Remis"},
			{Value: "failed", En: "Failed", Fr: "Échoué"},
			{Value: "cancelled", En: "Cancelled", Fr: "Annulé"},
		}},
		{Name: "webhook_disabled_reason", Values: []enum.Value{
			{Value: "by_hand", En: "Disabled by hand", Fr: "Désactivé manuellement"},
			{Value: "gone", En: "The endpoint said that it is gone (410)", Fr: "Le destinataire a disparu (410)"},
			{Value: "failing", En: "Nothing was taken for five days", Fr: "Aucun envoi accepté pendant cinq jours"},
		}},
	}
}
