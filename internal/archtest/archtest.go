// Package archtest holds the tests that keep the rooms apart: who may import whom, whose SQL may name which table, and
// what every package and every store owes. It has no code of its own; rooms_test.go is the one place where the rules are.
package archtest
