package db

import "github.com/jackc/pgx/v5/pgxpool"

// Pool lets the tests look at the raw connections.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

// Prepared counts the statements a session keeps.
func Prepared(c *pgxpool.Conn) int { return sessionOf(c.Conn()).recent.Len() }
