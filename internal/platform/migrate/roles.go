package migrate

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The group roles that migrations grant to. They cannot log in.
//
//	rooftop_app        what the server may do
//	rooftop_search     owns the search functions, which must read past row security to use their indexes
//	rooftop_sequencer  owns the function that numbers events of every account
var groupRoles = []string{"rooftop_app", "rooftop_search", "rooftop_sequencer"}

type serverRole struct{ name, secret string }

// ensureGroupRoles makes what is missing. Roles belong to the whole cluster, so another database's start may make them
// at the same moment.
func ensureGroupRoles(ctx context.Context, conn *pgx.Conn) error {
	for _, role := range groupRoles {
		var exists, member bool
		err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)`, role).Scan(&exists)
		if err != nil {
			return fmt.Errorf("look for the role %s: %w", role, err)
		}
		if !exists {
			_, err := conn.Exec(ctx, "CREATE ROLE "+role+" NOLOGIN NOSUPERUSER NOBYPASSRLS")
			if err != nil && !isCode(err, "42710", "23505") {
				return cannotCreate(role, err)
			}
		}
		if role == "rooftop_app" {
			continue
		}
		// Who gives a function to a role must be a member of it, and the role must be allowed to own things in the schema.
		if err := conn.QueryRow(ctx, `SELECT pg_has_role(current_user, $1, 'USAGE')`, role).Scan(&member); err != nil {
			return fmt.Errorf("look for the membership in %s: %w", role, err)
		}
		if !member {
			if _, err := conn.Exec(ctx, "GRANT "+role+" TO CURRENT_USER"); err != nil {
				return fmt.Errorf("join the role %s, so that its functions can be made: %w", role, err)
			}
		}
		if _, err := conn.Exec(ctx, "GRANT USAGE, CREATE ON SCHEMA public TO "+role); err != nil {
			return fmt.Errorf("let %s own functions in the schema public (the migration role must own the schema or the database): %w", role, err)
		}
	}
	return nil
}

func cannotCreate(role string, err error) error {
	if isCode(err, "42501") {
		return fmt.Errorf("the role in the database URL may not create the role %s: give it CREATEROLE, or create the roles %s by hand (NOLOGIN) "+
			"and set ROOFTOP_DATABASE_URL to a restricted role and ROOFTOP_MIGRATE_URL to the owner: %w", role, strings.Join(groupRoles, ", "), err)
	}
	return fmt.Errorf("create the role %s: %w", role, err)
}

// ensureServerRole makes the role the server logs in as, named after the database since roles are the cluster's.
func ensureServerRole(ctx context.Context, conn *pgx.Conn) (serverRole, error) {
	if role, ok := readServerRole(ctx, conn); ok {
		return role, nil
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return serverRole{}, err
	}
	var database string
	if err := conn.QueryRow(ctx, "SELECT current_database()").Scan(&database); err != nil {
		return serverRole{}, fmt.Errorf("ask for the database's name: %w", err)
	}
	role := serverRole{name: serverRoleName(database), secret: base64.RawURLEncoding.EncodeToString(raw)}
	ident := pgx.Identifier{role.name}.Sanitize()
	_, err := conn.Exec(ctx, "CREATE ROLE "+ident+" LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE")
	if err != nil && !isCode(err, "42710", "23505") {
		return serverRole{}, cannotCreate(role.name, err)
	}
	tx, err := conn.Begin(ctx)
	if err != nil {
		return serverRole{}, err
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	for _, stmt := range []string{
		"ALTER ROLE " + ident + " PASSWORD '" + role.secret + "'",
		"GRANT rooftop_app TO " + ident,
		"INSERT INTO installation (key, value) VALUES ('server_role', '" + role.name + "'), ('server_role_secret', '" + role.secret + "') ON CONFLICT (key) DO UPDATE SET value = excluded.value",
	} {
		if _, err := tx.Exec(ctx, stmt); err != nil {
			return serverRole{}, fmt.Errorf("set up the server role %s: %w", role.name, err)
		}
	}
	return role, tx.Commit(ctx)
}

func serverRoleName(database string) string {
	clean := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return '_'
	}, strings.ToLower(database))
	return "rooftop_server_" + clean[:min(len(clean), 40)]
}

// readServerRole finds the role and its secret, and sees that the role is still there: a database may have been
// restored into another cluster, where roles are not.
func readServerRole(ctx context.Context, conn *pgx.Conn) (serverRole, bool) {
	var r serverRole
	err := conn.QueryRow(ctx, `SELECT n.value, s.value FROM installation n, installation s, pg_roles r
		WHERE n.key = 'server_role' AND s.key = 'server_role_secret' AND r.rolname = n.value`).Scan(&r.name, &r.secret)
	return r, err == nil
}

// checkRestored refuses a dump that was restored where the group roles were not, or without owners: what they were granted, and
// the policies for them, are missing.
func checkRestored(ctx context.Context, admin *pgx.Conn) error {
	var whole bool
	err := admin.QueryRow(ctx, `SELECT count(*) = cardinality($1::text[]) AND EXISTS (SELECT FROM pg_proc p JOIN pg_roles o ON o.oid = p.proowner
		WHERE p.proname = 'sequence_events' AND o.rolname = 'rooftop_sequencer') FROM pg_roles WHERE rolname = ANY ($1)`, groupRoles).Scan(&whole)
	if err != nil {
		return fmt.Errorf("look at the group roles: %w", err)
	}
	if !whole {
		return fmt.Errorf("this database was restored without its roles: make the roles %s (NOLOGIN), and restore it again into an empty database, "+
			"with owners and privileges (docs/operations.md, Backup)", strings.Join(groupRoles, ", "))
	}
	return nil
}

// checkServerRole refuses a role for which row security would be no fence.
func checkServerRole(ctx context.Context, admin *pgx.Conn, role string) error {
	var super, bypass, owner bool
	err := admin.QueryRow(ctx, `SELECT r.rolsuper, r.rolbypassrls, pg_has_role(r.oid, c.relowner, 'MEMBER')
		FROM pg_roles r, pg_class c WHERE r.rolname = $1 AND c.oid = 'leads'::regclass`, role).Scan(&super, &bypass, &owner)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return fmt.Errorf("the role %s of ROOFTOP_DATABASE_URL does not exist", role)
	case err != nil:
		return fmt.Errorf("look at the role %s: %w", role, err)
	case super, bypass, owner:
		return fmt.Errorf("the role %s of ROOFTOP_DATABASE_URL could bypass row security (superuser: %t, bypassrls: %t, owns the tables: %t): "+
			"use a plain role there, or leave ROOFTOP_MIGRATE_URL unset to have one made", role, super, bypass, owner)
	}
	return nil
}

// withUser replaces user and password in a URL or keyword string.
func withUser(databaseURL string, role serverRole) (string, error) {
	if !strings.Contains(databaseURL, "://") {
		return databaseURL + " user=" + role.name + " password=" + role.secret, nil
	}
	u, err := url.Parse(databaseURL)
	if err != nil {
		return "", fmt.Errorf("read the database URL: %w", err)
	}
	u.User = url.UserPassword(role.name, role.secret)
	return u.String(), nil
}

func isCode(err error, codes ...string) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return false
	}
	return slices.Contains(codes, pgErr.Code)
}
