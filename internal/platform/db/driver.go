package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// This file is the database/sql driver under gorm. Its connections are empty shells: each statement finds its scope and
// its transaction in its context, takes a connection of the pool if it has none, and gives it back with its last row.

type connector struct{ db *DB }

func (c connector) Connect(context.Context) (driver.Conn, error) { return &sqlConn{db: c.db}, nil }
func (c connector) Driver() driver.Driver                        { return c }

// Open is database/sql's way in by a name, which this driver does not have.
func (c connector) Open(string) (driver.Conn, error) {
	return nil, errors.New("db: opened by db.Open only")
}

// sqlConn is a database/sql connection: nothing, or a transaction.
type sqlConn struct {
	db *DB
	tx *tx // begun with BeginTx, or the context's that BeginTx joined
}

func (c *sqlConn) scope(ctx context.Context) (scope, error) {
	call, _ := ctx.Value(callKey{}).(*call)
	switch {
	case call != nil && call.db == c.db:
		return call.scope, nil
	case c.tx != nil:
		return scope{}, nil // keeps the transaction's
	default:
		return scope{}, ErrNoTenant
	}
}

func (c *sqlConn) start(ctx context.Context, query string, named []driver.NamedValue) (*reply, error) {
	sc, err := c.scope(ctx)
	if err != nil {
		return nil, err
	}
	args := make([]any, len(named))
	for i, v := range named {
		args[i] = v.Value
	}
	return c.db.start(ctx, sc, &statement{sql: query, args: args, mode: forSQL}, c.tx)
}

func (c *sqlConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	r, err := c.start(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return newSQLRows(r), nil
}

func (c *sqlConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	r, err := c.start(ctx, query, args)
	if err != nil {
		return nil, err
	}
	if err := r.close(); err != nil {
		return nil, err
	}
	return driver.RowsAffected(r.tag.RowsAffected()), nil
}

// CheckNamedValue hands arguments on as they are, since pgx encodes more than database/sql knows, and drops the options
// gorm's migrator puts before them.
func (c *sqlConn) CheckNamedValue(v *driver.NamedValue) error {
	switch v.Value.(type) {
	case pgx.QueryExecMode, pgx.QueryResultFormats, pgx.QueryResultFormatsByOID:
		return driver.ErrRemoveArgument
	}
	return nil
}

func (c *sqlConn) Prepare(query string) (driver.Stmt, error) { return &sqlStmt{c, query}, nil }

func (c *sqlConn) PrepareContext(_ context.Context, query string) (driver.Stmt, error) {
	return &sqlStmt{c, query}, nil
}

// Close has nothing to close: a transaction is ended by its own Commit or Rollback, which database/sql always calls.
func (c *sqlConn) Close() error { return nil }

// Begin is the form without a context, which gorm does not use.
func (c *sqlConn) Begin() (driver.Tx, error) {
	return c.BeginTx(context.Background(), driver.TxOptions{})
}

// BeginTx begins a transaction with the first statement in it. In a context that carries one it is a savepoint of it.
func (c *sqlConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	begin, err := beginWith(opts)
	if err != nil {
		return nil, err
	}
	if t := txFrom(ctx, c.db); t != nil {
		if begin != beginTx {
			return nil, errors.New("db: a transaction inside a transaction cannot have options")
		}
		p, err := t.savepoint()
		if err != nil {
			return nil, err
		}
		c.tx = t
		return &sqlNested{conn: c, point: p, ctx: ctx}, nil
	}
	sc, err := c.scope(ctx)
	if err != nil {
		return nil, err
	}
	c.tx = newTx(ctx, c.db, begin)
	c.tx.want = sc
	return &sqlTx{c}, nil
}

func beginWith(opts driver.TxOptions) (string, error) {
	begin := beginTx
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadCommitted, sql.LevelReadUncommitted: // one and the same in Postgres
		begin += " isolation level read committed"
	case sql.LevelRepeatableRead, sql.LevelSnapshot:
		begin += " isolation level repeatable read"
	case sql.LevelSerializable:
		begin += " isolation level serializable"
	default:
		return "", fmt.Errorf("db: Postgres has no isolation level %s", level)
	}
	if opts.ReadOnly {
		begin += " read only"
	}
	return begin, nil
}

// sqlTx is a transaction gorm began.
type sqlTx struct{ conn *sqlConn }

func (x *sqlTx) Commit() error {
	t := x.conn.tx
	x.conn.tx = nil
	defer t.release()
	return t.commit()
}

func (x *sqlTx) Rollback() error {
	x.conn.tx.release()
	x.conn.tx = nil
	return nil
}

// sqlNested is a transaction gorm began inside InTx.
type sqlNested struct {
	conn  *sqlConn
	point *savepoint
	ctx   context.Context //nolint:containedctx // database/sql's Commit has no context
}

func (x *sqlNested) Commit() error {
	x.conn.tx = nil
	err := x.point.keep(x.ctx)
	if err != nil {
		return errors.Join(err, x.point.undo(x.ctx))
	}
	return nil
}

func (x *sqlNested) Rollback() error {
	x.conn.tx = nil
	return x.point.undo(x.ctx)
}

// sqlStmt is a statement prepared through database/sql: its text. The sessions prepare it where it runs.
type sqlStmt struct {
	conn  *sqlConn
	query string
}

func (s *sqlStmt) Close() error  { return nil }
func (s *sqlStmt) NumInput() int { return -1 }

func (s *sqlStmt) Exec([]driver.Value) (driver.Result, error) {
	return nil, errors.New("db: needs a context")
}

func (s *sqlStmt) Query([]driver.Value) (driver.Rows, error) {
	return nil, errors.New("db: needs a context")
}

func (s *sqlStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.conn.ExecContext(ctx, s.query, args)
}

func (s *sqlStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.conn.QueryContext(ctx, s.query, args)
}
