package seed

import "github.com/rooftop-crm/rooftop/internal/leads"

// wish is what people ask for, in their words.
type wish struct {
	kind     leads.Type
	interest string // of the vehicle; "" for none
	comments []string
}

var (
	buying = wish{leads.TypeSales, "buy", []string{
		"Bonjour, ce véhicule est-il toujours disponible ?",
		"Je souhaite recevoir une offre pour ce modèle, avec reprise éventuelle.",
		"Quel est le délai de livraison ? Merci de me rappeler après 17 h.",
		"Est-il possible de le voir ce week-end ?",
		"Quelle est la garantie sur ce véhicule, et le prix est-il négociable ?",
		"Bonjour, pouvez-vous m'envoyer des photos de l'intérieur ?",
	}}
	trying = wish{leads.TypeTestDrive, "test_drive", []string{
		"Je voudrais essayer ce modèle avant de me décider.",
		"Disponible samedi pour un essai, de préférence le matin.",
		"Nous aimerions l'essayer avec les enfants et leurs sièges.",
	}}
	trading = wish{leads.TypeTradeIn, "", []string{
		"Je cherche une estimation de reprise pour ma voiture actuelle.",
		"Combien me reprendriez-vous mon véhicule ? Entretien suivi, factures à l'appui.",
	}}
	financing = wish{leads.TypeFinance, "buy", []string{
		"Quelles sont vos conditions en location avec option d'achat sur 48 mois ?",
		"Je souhaite une simulation de financement avec un petit apport.",
	}}
	servicing = wish{leads.TypeService, "service", []string{
		"Je voudrais un rendez-vous pour la révision annuelle.",
		"Un voyant moteur s'allume par intermittence, pouvez-vous regarder ?",
		"Changement des pneus hiver : avez-vous de la place la semaine prochaine ?",
	}}
	parts = wish{leads.TypeParts, "service", []string{
		"Avez-vous un rétroviseur droit en stock pour mon véhicule ?",
		"Je cherche des barres de toit d'origine.",
	}}
	asking = wish{leads.TypeGeneral, "", []string{
		"Êtes-vous ouverts le samedi après-midi ?",
		"Faites-vous la livraison à domicile ?",
	}}
)

// wishes has each wish as often as it is asked.
var wishes = []wish{
	buying, buying, buying, buying, buying, buying, buying, buying, buying, trying, trying, trying, trying, trading, trading, financing, financing,
	servicing, servicing, servicing, parts, asking,
}
