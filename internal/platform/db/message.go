package db

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// statement is one piece of SQL with what to do with its answer.
type statement struct {
	sql  string
	args []any
	each func(Rows) error  // for each row; may be nil
	done func(int64) error // with the rows affected; may be nil
	mode resultMode
}

func (st *statement) answers() bool { return st.each != nil || st.done != nil }

type resultMode int

const (
	forPgx resultMode = iota // binary wherever pgx prefers it
	forSQL                   // what database/sql can hold
)

// request is one message: everything in it goes out together and ends in one Sync. Outside a transaction block the
// server takes all of it as one transaction.
type request struct {
	begin string // "" or the statement that opens a transaction
	scope *scope // nil when the transaction has it already, or there is none
	queue []statement
	last  *statement // its rows are left to the caller to read
	end   string     // "" or commit or rollback
}

func (r *request) each(fn func(*statement)) {
	for i := range r.queue {
		fn(&r.queue[i])
	}
	if r.last != nil {
		fn(r.last)
	}
}

// part is one statement of a message, ready to be sent.
type part struct {
	sql     string
	known   *prepared // nil: sent unnamed, without arguments
	values  [][]byte
	formats []int16
	results []int16
	st      *statement // nil for begin, scope and end
}

// answer is what came back. It must be finished before the connection is used again.
type answer struct {
	s         *session
	ctx       context.Context
	pipe      *pgconn.Pipeline
	result    *pgconn.ResultReader // of the last statement
	known     *prepared            // the last statement
	tag       pgconn.CommandTag    // of the last statement, once finished
	err       error                // the first
	sent      bool                 // something may have reached the server
	ran       bool                 // the server did something of it
	read      bool                 // a caller was given a row
	ended     bool                 // the server answered the end of the transaction
	ambiguous bool                 // nobody knows whether the message took effect
	rescued   bool                 // it rolled back to a savepoint
	finished  bool
}

// send sends the message and reads its answers up to the rows of r.last. The outcome is in answer.err.
func (s *session) send(ctx context.Context, r *request) *answer {
	a := &answer{s: s, ctx: ctx}
	if a.err = ctx.Err(); a.err != nil {
		a.finished = true
		return a
	}
	if a.err = s.prepare(ctx, r); a.err == nil {
		a.err = s.encode(r)
	}
	if a.err != nil {
		a.finished = true
		return a
	}
	a.pipe = s.conn.PgConn().StartPipeline(ctx)
	for i := range s.parts {
		s.parts[i].send(a.pipe)
	}
	if err := a.pipe.Sync(); err != nil {
		a.sent = !pgconn.SafeToRetry(err)
		a.ambiguous = a.sent
		a.fail(err)
		return a
	}
	a.sent = true
	a.readParts(r)
	return a
}

// encode turns the message into parts. It calls the arguments' Value methods, which must not happen with bytes on the way.
func (s *session) encode(r *request) error {
	clear(s.parts)
	s.parts = s.parts[:0]
	if r.begin != "" {
		s.parts = append(s.parts, part{sql: r.begin, known: s.fixed[r.begin]})
	}
	if r.scope != nil {
		s.parts = append(s.parts, part{sql: setScope, known: s.fixed[setScope], values: scopeParams(*r.scope)})
	}
	n := 0
	var err error
	r.each(func(st *statement) {
		if err == nil {
			err = s.encodeOne(n, st)
			n++
		}
	})
	if err != nil {
		return err
	}
	if r.end != "" {
		s.parts = append(s.parts, part{sql: r.end, known: s.fixed[r.end]})
	}
	return nil
}

func (s *session) encodeOne(n int, st *statement) error {
	p := part{sql: st.sql, st: st}
	if isSavepoint(st.sql) {
		s.parts = append(s.parts, p)
		return nil
	}
	if p.known = s.find(st.sql); p.known == nil {
		return fmt.Errorf("db: statement is not prepared") // prepare has seen to it
	}
	for len(s.builders) <= n {
		s.builders = append(s.builders, pgx.ExtendedQueryBuilder{})
	}
	b := &s.builders[n]
	if err := b.Build(s.types, &p.known.StatementDescription, st.args); err != nil {
		return fmt.Errorf("db: arguments: %w", err)
	}
	p.values, p.formats, p.results = b.ParamValues, b.ParamFormats, b.ResultFormats
	if st.mode == forSQL {
		p.results = p.known.formatsForSQL()
	}
	s.parts = append(s.parts, p)
	return nil
}

func (p *part) send(pipe *pgconn.Pipeline) {
	if p.known == nil {
		pipe.SendQueryParams(p.sql, nil, nil, nil, nil)
		return
	}
	pipe.SendQueryStatement(&p.known.StatementDescription, p.values, p.formats, p.results)
}

func (a *answer) readParts(r *request) {
	for i := range a.s.parts {
		p := &a.s.parts[i]
		res, err := a.pipe.GetResults()
		if err != nil {
			a.ambiguous = codeOf(err) == "" || (r.end != "" && i == len(a.s.parts)-1 && isFatal(err))
			a.fail(err)
			return
		}
		reader, ok := res.(*pgconn.ResultReader)
		if !ok {
			a.ambiguous = true
			a.fail(io.ErrUnexpectedEOF)
			return
		}
		a.ran = true
		if p.st != nil && p.st == r.last {
			a.result, a.known = reader, p.known
			return
		}
		if err := a.consume(reader, p); err != nil {
			a.fail(err)
			return
		}
	}
	_ = a.finish() // kept in a.err
}

// consume reads the whole result of a statement whose rows nobody waits for.
func (a *answer) consume(reader *pgconn.ResultReader, p *part) error {
	var failed error
	if p.st != nil && p.st.each != nil {
		rows := pgx.RowsFromResultReader(a.s.types, reader)
		for failed == nil && rows.Next() {
			failed = p.st.each(rows)
		}
		rows.Close()
		if failed == nil {
			failed = rows.Err() // a Scan whose error each dropped
		}
	}
	tag, err := reader.Close()
	switch {
	case err != nil:
		a.ambiguous = codeOf(err) == ""
		return err
	case failed != nil:
		return failed
	case p.st != nil && p.st.done != nil:
		return p.st.done(tag.RowsAffected())
	case p.st == nil && p.sql == commitTx:
		if tag.String() != "COMMIT" {
			return errNotApplied
		}
		a.ended = true
	}
	return nil
}

// fail keeps the first error and ends the message.
func (a *answer) fail(err error) {
	if a.err == nil {
		a.err = err
	}
	_ = a.finish() // kept in a.err
}

// finish reads what is left and gives the connection back to normal use. It returns the first error of the message,
// also one that came only with the Sync, such as a deferred constraint.
func (a *answer) finish() error {
	if a.finished {
		return a.err
	}
	a.finished = true
	if a.result != nil {
		tag, err := a.result.Close()
		a.tag = tag
		a.note(err)
	}
	a.note(a.pipe.Close())
	a.settle()
	return a.err
}

func (a *answer) note(err error) {
	if err == nil || a.err != nil {
		return
	}
	a.err = err
	a.ambiguous = a.sent && (codeOf(err) == "" || isFatal(err))
}

// settle draws the consequences of an error for the connection.
func (a *answer) settle() {
	switch codeOf(a.err) {
	case codeStalePlan: // the table changed under the cached plan
		for i := range a.s.parts {
			a.s.forget(a.s.parts[i].sql)
		}
	case codeUnknownStatement: // somebody discarded our statements: nothing we know of this connection holds
		_ = a.s.conn.PgConn().Close(context.Background())
	}
	a.err = lostOr(a.ctx, a.s.conn, a.err)
	a.s.trim()
}

// harmless tells that the message had no effect and will succeed on another connection or with a new plan.
func (a *answer) harmless() bool {
	switch {
	case a.err == nil, a.read, a.ctx.Err() != nil:
		return false
	case !a.sent:
		return errors.Is(a.err, errLost) || pgconn.SafeToRetry(a.err) || stale(a.err)
	default:
		return stale(a.err) || (!a.ran && codeOf(a.err) == codeAdminShutdown)
	}
}

// stale is an error that says only that our prepared statement is out of date. It fails before the statement does anything.
func stale(err error) bool {
	code := codeOf(err)
	return code == codeStalePlan || code == codeUnknownStatement
}

func isFatal(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.SeverityUnlocalized == "FATAL" || pg.SeverityUnlocalized == "PANIC")
}

// rows lets a caller read the last statement's rows with pgx.
func (a *answer) rows() pgx.Rows { return pgx.RowsFromResultReader(a.s.types, a.result) }
