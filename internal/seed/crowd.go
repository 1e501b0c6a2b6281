package seed

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/rooftop-crm/rooftop/internal/platform/fold"
)

// soul is an invented person.
type soul struct {
	civility, first, last string
	email                 string
	phone                 string // as dialled in France, without spaces
	postalCode, city      string
	street                string
	company               string
}

// crowd makes people of whom no two share a name, an address or a number.
type crowd struct {
	rand    *rand.Rand
	towns   [][2]string
	abroad  bool // numbers are written with the country's code
	numbers []int
	taken   map[string]bool
}

func newCrowd(r *rand.Rand, g group) crowd {
	c := crowd{rand: r, towns: frenchTowns, numbers: r.Perm(10_000), taken: map[string]bool{}}
	if g.country != "FR" {
		c.towns, c.abroad = belgianTowns, true
	}
	return c
}

func (c *crowd) next() soul {
	var s soul
	for {
		if c.rand.IntN(2) == 0 {
			s.civility, s.first = "Mme", pick(c.rand, women)
		} else {
			s.civility, s.first = "M.", pick(c.rand, men)
		}
		s.last = pick(c.rand, lastNames)
		if !c.taken[s.first+s.last] {
			break
		}
	}
	c.taken[s.first+s.last] = true
	local := strings.NewReplacer(" ", "", "'", "", "-", "").Replace(fold.Text(s.first) + "." + fold.Text(s.last))
	s.email = local + "@" + pick(c.rand, mailDomains)
	s.phone = pick(c.rand, fictionRanges) + fmt.Sprintf("%04d", c.numbers[0])
	c.numbers = c.numbers[1:]
	town := pick(c.rand, c.towns)
	s.postalCode, s.city = town[0], town[1]
	s.street = fmt.Sprintf("%d %s", 1+c.rand.IntN(90), pick(c.rand, streets))
	return s
}

// written is the number as people type it, in one of several ways.
func (c *crowd) written(s soul) string {
	d := s.phone
	pairs := []string{d[:2], d[2:4], d[4:6], d[6:8], d[8:]}
	foreign := []string{"+33 " + d[1:2] + " " + strings.Join(pairs[1:], " "), "0033" + d[1:], "+33" + d[1:]}
	if c.abroad {
		return pick(c.rand, foreign)
	}
	return pick(c.rand, append(foreign[:1], strings.Join(pairs, " "), strings.Join(pairs, "."), d, strings.Join(pairs, " ")))
}

// Numbers that the French regulator keeps for fiction: nobody is ever rung by them. The mobile one is assigned to no
// operator, so that a strict reader calls its numbers invalid, as it would.
var fictionRanges = []string{"019900", "026191", "035301", "046571", "053649", "063998", "063998"}

var mailDomains = []string{"example.com", "example.org", "example.net", "courriel.example", "boite-postale.example"}

var women = []string{
	"Camille", "Léa", "Manon", "Chloé", "Inès", "Jade", "Sarah", "Émilie", "Claire", "Nathalie", "Sandrine", "Aurélie", "Fatima", "Yasmine",
	"Anne-Sophie", "Marie-Laure", "Hélène", "Céline", "Noémie", "Margaux", "Élodie", "Véronique", "Sylvie", "Agathe", "Zoé", "Maëlle",
}

var men = []string{
	"Lucas", "Hugo", "Nathan", "Thomas", "Antoine", "Julien", "Nicolas", "Karim", "Mehdi", "Jean-Baptiste", "Pierre-Yves", "François",
	"Étienne", "Loïc", "Raphaël", "Gaël", "Olivier", "Stéphane", "Bruno", "Thierry", "Mathis", "Sacha", "Baptiste", "Rémi", "Cédric", "Noé",
}

var lastNames = []string{
	"Abadie", "Barbotin", "Besançon", "Boisvert", "Bouchardeau", "Cazeneuve-Roy", "Chastagnier", "Corbières", "Couturier", "d'Aubrac",
	"Delacourt", "de La Tour", "Desrosiers", "Du Bellay", "Estève", "Falguières", "Ferreira", "Fontvieille", "Garrigue", "Guézennec",
	"Hadjadj", "Jourdain", "Kerbrat", "Kowalczyk", "Lacassagne", "Le Guen", "Lefèvre", "Lespinasse", "L'Hostis", "Malherbe", "Marchetti",
	"Mazurier", "Nguyen", "Ollivier", "Pélissier", "Peyronnet", "Quéméner", "Ravanel", "Rigaud", "Roussillon", "Saint-Clair", "Sanz",
	"Tixier", "Trémolières", "Vasseur", "Vernhes", "Villeneuve", "Zamora",
}

var streets = []string{
	"rue des Lilas", "chemin du Moulin", "avenue de la Gare", "impasse des Tanneurs", "rue du Four", "place du Marché", "allée des Peupliers",
	"rue Haute", "quai des Brumes", "montée du Château",
}

var frenchTowns = [][2]string{
	{"74000", "Annecy"},
	{"73000", "Chambéry"},
	{"74960", "Cran-Gevrier"},
	{"73100", "Aix-les-Bains"},
	{"74150", "Rumilly"},
	{"73200", "Albertville"},
	{"74210", "Faverges-Seythenex"},
	{"38530", "Pontcharra"},
	{"01200", "Valserhône"},
	{"74800", "La Roche-sur-Foron"},
}

var belgianTowns = [][2]string{
	{"7500", "Tournai"}, {"7000", "Mons"}, {"7700", "Mouscron"}, {"7800", "Ath"}, {"7600", "Péruwelz"}, {"7100", "La Louvière"},
}

var companies = []string{
	"Menuiserie du Semnoz", "Cabinet Brévent Conseil", "Ambulances des Deux Lacs", "Boulangerie Au Levain Doux", "Transports Chartreuse Express",
	"Pépinières du Val", "Électricité Mont-Clair", "Atelier Passerelle",
}
