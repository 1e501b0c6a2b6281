package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// errNotOurs is what a PgxTx says to everything that is not a plain statement.
var errNotOurs = errors.New("db: the unit of work's transaction runs plain statements only; it is InTx that begins and ends it")

// PgxTx is the context's transaction for a library that wants a pgx.Tx (River). Its statements are those of the unit of
// work: what is queued goes out before them, they see the transaction's scope, and their error fails the transaction.
// They should be for control-plane tables, or for the account the transaction already acts for. Commit, Rollback, Begin,
// CopyFrom, batches and Prepare are refused: InTx begins and ends the transaction. ErrNoTransaction outside InTx.
func (d *DB) PgxTx(ctx context.Context) (pgx.Tx, error) {
	t := txFrom(ctx, d)
	if t == nil {
		return nil, ErrNoTransaction
	}
	return &pgxTx{db: d, tx: t}, nil
}

// Pool is the pool itself, for a library that runs statements of its own (River's workers). They act for nobody: no
// tenant table shows them a row.
func (d *DB) Pool() *pgxpool.Pool { return d.pool }

type pgxTx struct {
	db *DB
	tx *tx
}

var _ pgx.Tx = (*pgxTx)(nil)

// Exec implements pgx.Tx.
func (x *pgxTx) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	r, err := x.db.start(ctx, scope{}, &statement{sql: sql, args: args}, x.tx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	err = r.close()
	return r.tag, err
}

// Query implements pgx.Tx. Nothing else can be sent before the rows are closed or read to their end.
func (x *pgxTx) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	r, err := x.db.start(ctx, scope{}, &statement{sql: sql, args: args}, x.tx)
	if err != nil {
		return nil, err
	}
	return &pgxRows{Rows: r.rows(), reply: r}, nil
}

// QueryRow implements pgx.Tx.
func (x *pgxTx) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	rows, err := x.Query(ctx, sql, args...)
	return pgxRow{rows, err}
}

// Begin implements pgx.Tx and is refused.
func (x *pgxTx) Begin(context.Context) (pgx.Tx, error) { return nil, errNotOurs }

// Commit implements pgx.Tx and is refused.
func (x *pgxTx) Commit(context.Context) error { return errNotOurs }

// Rollback implements pgx.Tx and is refused.
func (x *pgxTx) Rollback(context.Context) error { return errNotOurs }

// CopyFrom implements pgx.Tx and is refused.
func (x *pgxTx) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errNotOurs
}

// SendBatch implements pgx.Tx and is refused.
func (x *pgxTx) SendBatch(context.Context, *pgx.Batch) pgx.BatchResults { return noBatch{} }

// LargeObjects implements pgx.Tx; none can be opened.
func (x *pgxTx) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx and is refused: sessions prepare statements themselves.
func (x *pgxTx) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, errNotOurs
}

// Conn implements pgx.Tx. It is nil: the connection is the unit of work's.
func (x *pgxTx) Conn() *pgx.Conn { return nil }

// pgxRows settles the message with the transaction once the rows are closed.
type pgxRows struct {
	pgx.Rows
	reply *reply
	done  bool
	err   error
}

// Close implements pgx.Rows.
func (r *pgxRows) Close() {
	r.Rows.Close()
	if r.done {
		return
	}
	r.done = true
	r.err = r.reply.close()
}

// Next implements pgx.Rows.
func (r *pgxRows) Next() bool {
	if r.Rows.Next() {
		return true
	}
	r.Close()
	return false
}

// Err implements pgx.Rows.
func (r *pgxRows) Err() error { return errors.Join(r.Rows.Err(), r.err) }

// CommandTag implements pgx.Rows.
func (r *pgxRows) CommandTag() pgconn.CommandTag { return r.reply.tag }

type pgxRow struct {
	rows pgx.Rows
	err  error
}

// Scan implements pgx.Row.
func (r pgxRow) Scan(dest ...any) error {
	if r.err != nil {
		return r.err
	}
	defer r.rows.Close()
	if !r.rows.Next() {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.rows.Scan(dest...); err != nil {
		return err
	}
	r.rows.Close()
	return r.rows.Err()
}

// noBatch is the results of a batch that was refused.
type noBatch struct{}

func (noBatch) Exec() (pgconn.CommandTag, error) { return pgconn.CommandTag{}, errNotOurs }
func (noBatch) Query() (pgx.Rows, error)         { return nil, errNotOurs }
func (noBatch) QueryRow() pgx.Row                { return pgxRow{err: errNotOurs} }
func (noBatch) Close() error                     { return errNotOurs }
func (noBatch) Tx() pgx.Tx                       { return nil }
