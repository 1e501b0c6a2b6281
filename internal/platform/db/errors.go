package db

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

var (
	// ErrNoRows is QueryRow's answer when there is no row. It is also sql.ErrNoRows.
	ErrNoRows = pgx.ErrNoRows
	// ErrNoTenant is a statement that names neither an account nor a partner and was not asked for by Control.
	ErrNoTenant = errors.New("db: the statement names no account")
	// ErrTenantChanged is a statement for another account or partner than its transaction's.
	ErrTenantChanged = errors.New("db: the transaction belongs to another account")
	// ErrNoTransaction is a Queue or Savepoint outside InTx.
	ErrNoTransaction = errors.New("db: needs a transaction")
	// ErrTxDone is a statement with the context of a transaction that has ended.
	ErrTxDone = errors.New("db: the transaction has ended")
	// ErrBusy is a statement sent while rows of the same transaction are being read, or from a second goroutine.
	ErrBusy = errors.New("db: the transaction is still reading rows")
	// ErrRolledBack is the end of a transaction in which a statement failed and its error was dropped.
	ErrRolledBack = errors.New("db: rolled back, because an earlier statement failed")
	// ErrUnknownOutcome is a commit whose answer never came: the transaction may or may not have been committed.
	// It is never tried again here; the caller's idempotency key makes it safe to repeat the request.
	ErrUnknownOutcome = errors.New("db: the connection was lost during the commit, its outcome is unknown")

	errLost       = errors.New("db: the connection was lost")
	errNoConn     = errors.New("db: no connection became free in time")
	errControl    = errors.New("db: BEGIN, COMMIT and ROLLBACK are InTx's business")
	errNotApplied = errors.New("db: the server rolled the transaction back at the commit")
)

const (
	classIntegrity        = "23"
	classConnection       = "08"
	codeUnique            = "23505"
	codeSerialization     = "40001"
	codeDeadlock          = "40P01"
	codeStalePlan         = "0A000"
	codeUnknownStatement  = "26000"
	codeTooManyConns      = "53300"
	codeReadOnly          = "25006" // a primary that has just become a replica
	codeAdminShutdown     = "57P01"
	codeCrashShutdown     = "57P02"
	codeCannotConnectNow  = "57P03"
	codeIdleInTxTimeout   = "25P03"
	codeIdleSessionKilled = "57P05"
	codeLockTimeout       = "55P03"
)

func codeOf(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// Violates tells whether err is the violation of that constraint (unique, check, foreign key, exclusion), by its name.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code[:2] == classIntegrity && pg.ConstraintName == constraint
}

// IsUniqueViolation tells whether err is a duplicate key, whatever the constraint.
func IsUniqueViolation(err error) bool { return codeOf(err) == codeUnique }

// IsRetryable tells whether the same transaction may succeed when run again: a deadlock or a serialisation failure.
// InTx has tried already by the time a caller sees one.
func IsRetryable(err error) bool {
	code := codeOf(err)
	return (code == codeDeadlock || code == codeSerialization) && !errors.Is(err, ErrUnknownOutcome)
}

// IsUnavailable tells whether err says that the database cannot be used just now: refused, lost, starting, stopping,
// out of connections, or a commit whose outcome is unknown. A caller that left is not that.
func IsUnavailable(err error) bool {
	if errors.Is(err, errLost) || errors.Is(err, errNoConn) || errors.Is(err, ErrUnknownOutcome) {
		return true
	}
	switch code := codeOf(err); code {
	case "":
	case codeTooManyConns, codeReadOnly, codeAdminShutdown, codeCrashShutdown, codeCannotConnectNow,
		codeIdleInTxTimeout, codeIdleSessionKilled, codeLockTimeout:
		return true
	default:
		if code[:2] == classConnection {
			return true
		}
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) && !errors.Is(err, context.Canceled)
}
