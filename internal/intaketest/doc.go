// Package intaketest holds the tests of intake through the API, from the document or body as it was sent to the lead and
// contact that come back: real and hostile ADF, any text, the size limits, races. For tests only; it has no code of its own.
package intaketest
