// Package kernel holds the typed ids and values that two or more contexts speak.
// It owns no rules and no storage, and imports nothing but the standard library and google/uuid.
package kernel

// Money is an amount in the minor unit of its currency (cents for EUR), so that no price is ever rounded.
type Money struct {
	AmountMinor int64  `json:"amount_minor"`
	Currency    string `json:"currency"` // ISO 4217, upper case
}

// Measure is a quantity with its unit, as sent: 38450 km, 12000 mi.
type Measure struct {
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// ExternalRef is the id another system gave to one of our resources. Source names that system.
type ExternalRef struct {
	Source string `json:"source"`
	ID     string `json:"id"`
}
