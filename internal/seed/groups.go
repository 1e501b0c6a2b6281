package seed

import (
	"github.com/rooftop-crm/rooftop/internal/core"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// group is one invented dealer group.
type group struct {
	name, country, timeZone string
	second                  bool // its credentials are under "other"
	domain                  string
	partnerName             string
	partnerCode             string
	brand                   string
	places                  []place
	users                   []person
	enquirers, regulars     int // people who ask of themselves, and contacts known before
}

// place is one dealership to be.
type place struct {
	dealerCode string // of the partner's grant
	details    core.DealershipDetails
}

// person is one user to be.
type person struct {
	name, firstName, lastName string // name is the part of the e-mail before the @
	role                      auth.Role
	at                        []int // places; nil for the whole account
}

func groups() []group { return []group{valserine(), escaut()} }

// admin is the login of the group's administrator.
func (g group) admin() string { return g.email(g.users[0]) }

func (g group) email(p person) string { return p.name + "@" + g.domain }

func (g group) site() string { return "https://www." + g.domain }

func valserine() group {
	return group{
		name: "Groupe Valserine", country: "FR", timeZone: "Europe/Paris", domain: "groupe-valserine.example",
		partnerName: "Altaïr Automobiles", partnerCode: "altair", brand: "Altaïr", enquirers: 252, regulars: 40,
		places: []place{
			{"ALT-74012", core.DealershipDetails{
				Name: "Valserine Annecy", LegalName: "Valserine Annecy SAS", Brands: []string{"Altaïr"}, IsDefault: true,
				Address:  core.Address{Lines: []string{"14 avenue du Clos-Fleuri"}, PostalCode: "74000", City: "Annecy", Region: "Auvergne-Rhône-Alpes"},
				Position: &core.Position{Latitude: 45.9011, Longitude: 6.1184}, Phone: "04 65 71 20 10",
				Email: "annecy@groupe-valserine.example", Website: "https://www.groupe-valserine.example/annecy",
				Codes: []core.Code{{Scheme: "altair", Code: "ALT-74012"}, {Scheme: "carrelune", Code: "CL-20931"}},
			}},
			{"ALT-73005", core.DealershipDetails{
				Name: "Valserine Chambéry", LegalName: "Valserine Chambéry SAS", Brands: []string{"Altaïr", "Noroît"},
				Address:  core.Address{Lines: []string{"Zone des Trois-Tilleuls", "220 rue de la Leysse"}, PostalCode: "73000", City: "Chambéry", Region: "Auvergne-Rhône-Alpes"},
				Position: &core.Position{Latitude: 45.5778, Longitude: 5.8996}, Phone: "04 65 71 30 20",
				Email: "chambery@groupe-valserine.example", Website: "https://www.groupe-valserine.example/chambery",
				Codes: []core.Code{{Scheme: "altair", Code: "ALT-73005"}, {Scheme: "carrelune", Code: "CL-20944"}},
			}},
		},
		users: []person{
			{"admin", "Hélène", "Courvoisier", auth.RoleAdmin, nil},
			{"manager", "Bertrand", "Lacombe-Reix", auth.RoleManager, nil},
			{"agent", "Inès", "Tabarly", auth.RoleAgent, nil},
			{"salesperson.annecy", "Florian", "Deschaux", auth.RoleSalesperson, []int{0}},
			{"salesperson.chambery", "Maëlys", "Perronnet", auth.RoleSalesperson, []int{1}},
			{"service", "Driss", "Belkhodja", auth.RoleServiceAdviser, []int{0, 1}},
			{"marketing", "Solène", "Vaucanson", auth.RoleMarketing, nil},
			{"viewer", "Paul", "Grandclément", auth.RoleViewer, nil},
		},
	}
}

func escaut() group {
	return group{
		name: "Escaut Motors", country: "BE", timeZone: "Europe/Brussels", second: true, domain: "escaut-motors.example",
		partnerName: "Sirocca Belux", partnerCode: "sirocca", brand: "Sirocca", enquirers: 48, regulars: 8,
		places: []place{
			{"BE-7500-1", core.DealershipDetails{
				Name: "Escaut Motors Tournai", LegalName: "Escaut Motors Tournai SRL", Brands: []string{"Sirocca"}, IsDefault: true,
				Address:  core.Address{Lines: []string{"Chaussée des Cinq-Clochers 88"}, PostalCode: "7500", City: "Tournai", Region: "Hainaut"},
				Position: &core.Position{Latitude: 50.6104, Longitude: 3.4102},
				Email:    "tournai@escaut-motors.example", Website: "https://www.escaut-motors.example/tournai",
				Codes: []core.Code{{Scheme: "sirocca", Code: "BE-7500-1"}},
			}},
			{"BE-7000-1", core.DealershipDetails{
				Name: "Escaut Motors Mons", LegalName: "Escaut Motors Mons SRL", Brands: []string{"Sirocca"},
				Address:  core.Address{Lines: []string{"Route des Grands-Prés 31"}, PostalCode: "7000", City: "Mons", Region: "Hainaut"},
				Position: &core.Position{Latitude: 50.4606, Longitude: 3.9387},
				Email:    "mons@escaut-motors.example", Website: "https://www.escaut-motors.example/mons",
				Codes: []core.Code{{Scheme: "sirocca", Code: "BE-7000-1"}},
			}},
		},
		users: []person{
			{"admin", "Wim", "Vandecasteele", auth.RoleAdmin, nil},
			{"manager", "Amandine", "Delhaye", auth.RoleManager, nil},
			{"agent", "Loubna", "Rousseaux", auth.RoleAgent, nil},
			{"salesperson.tournai", "Gilles", "Wattiaux", auth.RoleSalesperson, []int{0}},
			{"salesperson.mons", "Charlotte", "Hennebert", auth.RoleSalesperson, []int{1}},
			{"service", "Yannick", "Debruyn", auth.RoleServiceAdviser, []int{0, 1}},
			{"marketing", "Nathalie", "Cornil", auth.RoleMarketing, nil},
			{"viewer", "Roland", "Piérard", auth.RoleViewer, nil},
		},
	}
}
