package db

import "github.com/jackc/pgx/v5/pgxpool"

// Prepared counts the statements a session keeps.
func Prepared(c *pgxpool.Conn) int { return sessionOf(c.Conn()).recent.Len() }
