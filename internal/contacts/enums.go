package contacts

import "github.com/rooftop-crm/rooftop/internal/platform/enum"

// labels are the two names of each value that contacts have.
var labels = map[string][2]string{
	string(KindPerson): {"Person", "Personne"}, string(KindCompany): {"Company", "Société"},
	string(TypeHome): {"Home", "Domicile"}, string(TypeWork): {"Work", "Travail"}, string(TypeMobile): {"Mobile", "Mobile"},
	string(TypeFax): {"Fax", "Télécopie"}, string(TypeBilling): {"Billing", "Facturation"}, string(TypeDelivery): {"Delivery", "Livraison"},
	string(TypeOther):            {"Other", "Autre"},
	string(RuleEmail):            {"Same e-mail address", "Même adresse e-mail"},
	string(RulePhoneAndName):     {"Same number, same name", "Même numéro, même nom"},
	string(RulePhoneAndStart):    {"Same number and last name, first name begins alike", "Même numéro et même nom, prénom de même début"},
	string(RulePhoneAndSpelling): {"Same number and last name, first name spelt alike", "Même numéro et même nom, prénom d'orthographe voisine"},
	string(RulePhoneAndLastName): {"Same number and last name", "Même numéro et même nom de famille"},
	string(RulePhone):            {"Same number", "Même numéro"},
	string(RuleCreated):          {"Nobody recognised", "Aucun contact reconnu"},
}

// Enums lists the closed lists of values of contacts, with their labels.
func Enums() []enum.Enum {
	return []enum.Enum{
		{Name: "contact_kind", Values: valuesOf(Kinds())},
		{Name: "contact_email_type", Values: valuesOf(EmailTypes())},
		{Name: "contact_phone_type", Values: valuesOf(PhoneTypes())},
		{Name: "contact_address_type", Values: valuesOf(AddressTypes())},
		{Name: "contact_match_rule", Values: valuesOf(Rules())},
	}
}

func valuesOf[S ~string](all []S) []enum.Value {
	out := make([]enum.Value, len(all))
	for i, v := range all {
		l := labels[string(v)]
		out[i] = enum.Value{Value: string(v), En: l[0], Fr: l[1]}
	}
	return out
}
