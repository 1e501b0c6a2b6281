// Package kernel holds ids.
package kernel

// ID is a generic id, which swag cannot read.
type ID[T any] [16]byte

type lead struct{}

// LeadID names a lead.
type LeadID = ID[lead]
