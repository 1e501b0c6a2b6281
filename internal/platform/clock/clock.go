// Package clock is the one place that asks the machine for the time. Everything else is given a func() time.Time.
package clock

import "time"

// Now is the present in UTC, to the microsecond that Postgres keeps, so that a value read back equals the value written.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
