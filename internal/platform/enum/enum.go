// Package enum describes the closed lists of values of the API, with a label per language, so that a front end need not
// translate them itself. It owns the description only: each context lists its own enums, and core shows them all.
package enum

// Enum is one closed list of values.
type Enum struct {
	Name   string // lower_snake, unique: "user_role", "lead_status"
	Values []Value
}

// Value is one value with its labels.
type Value struct {
	Value string // as on the wire
	En    string
	Fr    string
}
