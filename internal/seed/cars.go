package seed

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/leads"
)

// model is a car that is sold; price in whole euros when new.
type model struct {
	make, name, trim, body string
	price                  int64
}

// newModels are of the group's own, invented brand.
func newModels(brand string) []model {
	return []model{
		{brand, "Lyra", "Essentiel", "hatchback", 18_990},
		{brand, "Lyra", "Techno", "hatchback", 22_490},
		{brand, "Vega", "Techno", "suv", 29_900},
		{brand, "Vega", "Signature", "suv", 34_700},
		{brand, "Vega e", "Signature 62 kWh", "suv", 41_300},
		{brand, "Orion Break", "Business", "estate", 36_250},
		{brand, "Corvus", "Fourgon L2H2", "van", 33_800},
	}
}

var usedModels = []model{
	{"Peugeot", "208", "Allure", "hatchback", 21_500},
	{"Peugeot", "3008", "GT", "suv", 38_900},
	{"Renault", "Clio", "Intens", "hatchback", 20_300},
	{"Renault", "Captur", "Techno", "suv", 26_400},
	{"Citroën", "C3", "Shine", "hatchback", 18_800},
	{"Dacia", "Sandero", "Stepway", "hatchback", 15_600},
	{"Dacia", "Duster", "Prestige", "suv", 21_900},
	{"Volkswagen", "Golf", "Life", "hatchback", 31_200},
	{"Toyota", "Yaris", "Collection", "hatchback", 23_700},
	{"Fiat", "500", "Dolcevita", "hatchback", 17_900},
	{"Škoda", "Octavia", "Style", "estate", 32_400},
	{"Hyundai", "Tucson", "Creative", "suv", 35_100},
}

func wantedNew(r *rand.Rand, brand, interest string) leads.Vehicle {
	m := pick(r, newModels(brand))
	return leads.Vehicle{
		Interest: interest, Condition: "new", Make: m.make, Model: m.name, Trim: m.trim, BodyStyle: m.body, Primary: true,
		Price: euros(m.price),
	}
}

func wantedUsed(r *rand.Rand, now time.Time, interest string) leads.Vehicle {
	v := used(r, now, 1+r.IntN(6))
	v.Interest, v.Primary = interest, true
	v.StockNumber = fmt.Sprintf("VO-%04d", 2000+r.IntN(900))
	return v
}

func tradeIn(r *rand.Rand, now time.Time) leads.Vehicle {
	v := used(r, now, 4+r.IntN(11))
	v.Interest, v.Price, v.VIN = "trade_in", nil, ""
	return v
}

// used is a car that is so many years old.
func used(r *rand.Rand, now time.Time, years int) leads.Vehicle {
	m := pick(r, usedModels)
	year := now.Year() - years
	km := float64(years*13_000 + r.IntN(9_000))
	price := m.price * 100 / int64(100+16*years) / 10 * 10
	return leads.Vehicle{
		Condition: "used", Year: &year, Make: m.make, Model: m.name, Trim: m.trim, BodyStyle: m.body, VIN: inventedVIN(r),
		Odometer: &kernel.Measure{Value: km, Unit: "km"}, Price: euros(price),
	}
}

// inventedVIN has the form of a VIN and a beginning that no manufacturer has.
func inventedVIN(r *rand.Rand) string {
	const letters = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
	vin := []byte("ZZZ")
	for len(vin) < 11 {
		vin = append(vin, letters[r.IntN(len(letters))])
	}
	return fmt.Sprintf("%s%06d", vin, r.IntN(1_000_000))
}

func euros(n int64) *kernel.Money { return &kernel.Money{AmountMinor: n * 100, Currency: "EUR"} }
