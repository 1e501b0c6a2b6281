package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rooftop-crm/rooftop/internal/kernel"
)

// Rows is what each of Query and Queue reads the current row from. It is valid during that call only.
type Rows = pgx.Rows

// Query runs one statement in the account and calls each for every row. Outside a transaction it takes one round trip
// and is a transaction of its own. each may Queue, but must not send; its error is returned after the rest was read.
func (d *DB) Query(ctx context.Context, account kernel.AccountID, sql string, args []any, each func(Rows) error) error {
	sc, err := inAccount(ctx, account)
	if err != nil {
		return err
	}
	return d.query(ctx, sc, sql, args, each)
}

// QueryControl is Query for control-plane tables: without a scope, or with the transaction's.
func (d *DB) QueryControl(ctx context.Context, sql string, args []any, each func(Rows) error) error {
	return d.query(ctx, scope{}, sql, args, each)
}

// QueryRow reads the first row of one statement in the account into dest. It fails with ErrNoRows when there is none.
func (d *DB) QueryRow(ctx context.Context, account kernel.AccountID, sql string, args []any, dest ...any) error {
	sc, err := inAccount(ctx, account)
	if err != nil {
		return err
	}
	return d.queryRow(ctx, sc, sql, args, dest)
}

// QueryRowControl is QueryRow for control-plane tables.
func (d *DB) QueryRowControl(ctx context.Context, sql string, args []any, dest ...any) error {
	return d.queryRow(ctx, scope{}, sql, args, dest)
}

// Exec runs one statement in the account and returns the rows affected. Outside a transaction it is one of its own and
// outlives a caller that leaves, as InTx does: a write is not cut off between its commit and the answer.
func (d *DB) Exec(ctx context.Context, account kernel.AccountID, sql string, args ...any) (rowsAffected int64, err error) {
	sc, err := inAccount(ctx, account)
	if err != nil {
		return 0, err
	}
	return d.exec(ctx, sc, sql, args)
}

// ExecControl is Exec for control-plane tables.
func (d *DB) ExecControl(ctx context.Context, sql string, args ...any) (rowsAffected int64, err error) {
	return d.exec(ctx, scope{}, sql, args)
}

func (d *DB) query(ctx context.Context, sc scope, sql string, args []any, each func(Rows) error) error {
	a, err := d.start(ctx, sc, &statement{sql: sql, args: args}, nil)
	if err != nil {
		return err
	}
	defer a.close() //nolint:errcheck // a second close; the first one's error is returned
	rows := a.rows()
	for err == nil && rows.Next() {
		err = each(rows)
	}
	if rows.Close(); err == nil {
		err = rows.Err()
	}
	if closeErr := a.close(); closeErr != nil {
		return closeErr
	}
	return err
}

func (d *DB) queryRow(ctx context.Context, sc scope, sql string, args, dest []any) error {
	found := false
	err := d.query(ctx, sc, sql, args, func(rows Rows) error {
		if found {
			return nil
		}
		found = true
		return rows.Scan(dest...)
	})
	if err == nil && !found {
		return ErrNoRows
	}
	return err
}

func (d *DB) exec(ctx context.Context, sc scope, sql string, args []any) (int64, error) {
	if txFrom(ctx, d) == nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), d.cfg.TxTimeout)
		defer cancel()
	}
	a, err := d.start(ctx, sc, &statement{sql: sql, args: args}, nil)
	if err != nil {
		return 0, err
	}
	if err := a.close(); err != nil {
		return 0, err
	}
	return a.tag.RowsAffected(), nil
}

// reply is an answer with rows, together with what must be given back when it has been read.
type reply struct {
	*answer
	conn *pgxpool.Conn // outside a transaction
	tx   *tx           // inside one
}

// close reads the rest and returns the message's error.
func (r *reply) close() error {
	switch {
	case r.tx != nil:
		err := r.tx.settle(r.answer)
		r.tx = nil
		return err
	case r.conn != nil:
		err := r.answer.finish()
		if pg := r.conn.Conn().PgConn(); err == nil && pg.TxStatus() != 'I' {
			r.answer.err, err = errControl, errControl // the pool drops the connection
		}
		r.conn.Release()
		r.conn = nil
		return err
	default:
		return r.answer.err
	}
}

// start sends a statement and returns once its first row, or its end, is there. bound is the transaction of a
// database/sql connection; otherwise the context's, if any, is joined.
func (d *DB) start(ctx context.Context, sc scope, st *statement, bound *tx) (*reply, error) {
	t := bound
	if t == nil {
		t = txFrom(ctx, d)
	}
	if t != nil {
		a, err := t.start(ctx, sc, st)
		if err != nil {
			return nil, err
		}
		return &reply{answer: a, tx: t}, nil
	}
	r, again, err := d.startAlone(ctx, sc, st)
	if again {
		r, _, err = d.startAlone(ctx, sc, st)
	}
	return r, err
}

// startAlone is start outside a transaction. again tells that the failure had no effect and is worth a second try.
func (d *DB) startAlone(ctx context.Context, sc scope, st *statement) (r *reply, again bool, err error) {
	conn, err := d.acquire(ctx)
	if err != nil {
		return nil, false, err
	}
	req := request{last: st}
	if !sc.isZero() {
		req.scope = &sc
	}
	a := sessionOf(conn.Conn()).send(ctx, &req)
	if a.err != nil {
		again = a.harmless()
		conn.Release()
		return nil, again, a.err
	}
	return &reply{answer: a, conn: conn}, false, nil
}
