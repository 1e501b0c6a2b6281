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

// The most characters of a reference, on every resource.
const (
	MaxRefSource = 100
	MaxRefID     = 200
)

// Precondition is what a write by another system's id asks of the resource as it stands. The zero Precondition asks nothing.
type Precondition struct {
	Version *int64 // it is there, in this version
	Exists  bool   // it is there, in whatever version
	Absent  bool   // it is not there
}

// NeedsOne tells whether the precondition fails where there is no such resource yet.
func (p Precondition) NeedsOne() bool { return p.Exists || p.Version != nil }
