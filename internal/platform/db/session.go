package db

import (
	"container/list"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

const (
	maxStatements = 512
	usualParts    = 32
	sessionKey    = "rooftop.session"

	// setScope is the one place that sets the tenant; the last argument makes it end with the transaction.
	setScope    = `select set_config('app.account_id', $1, true), set_config('app.partner_id', $2, true)`
	beginTx     = `begin`
	commitTx    = `commit`
	rollbackTx  = `rollback`
	namedPrefix = "r"
)

// session is what a connection keeps between messages: its prepared statements. Whoever acquired the connection owns it.
type session struct {
	conn       *pgx.Conn
	types      *pgtype.Map
	fixed      map[string]*prepared // never evicted
	bySQL      map[string]*list.Element
	recent     *list.List // of *prepared, the most recently used first
	dropped    []string   // names to close with the next preparation
	lastNumber int
	builders   []pgx.ExtendedQueryBuilder // one per statement of a message, kept for their buffers
	parts      []part
}

// prepared is a statement the server knows on this connection.
type prepared struct {
	pgconn.StatementDescription
	sqlFormats []int16 // what database/sql reads; made on first use
	columns    *columns
}

func newSession(ctx context.Context, conn *pgx.Conn) error {
	s := &session{
		conn: conn, types: conn.TypeMap(),
		fixed: map[string]*prepared{}, bySQL: map[string]*list.Element{}, recent: list.New(),
	}
	fresh, err := s.prepareAll(ctx, []string{setScope, beginTx, commitTx, rollbackTx})
	if err != nil {
		return fmt.Errorf("prepare the connection: %w", err)
	}
	for _, p := range fresh {
		s.fixed[p.SQL] = p
	}
	conn.PgConn().CustomData()[sessionKey] = s
	return nil
}

func sessionOf(conn *pgx.Conn) *session {
	s, _ := conn.PgConn().CustomData()[sessionKey].(*session)
	return s
}

// find returns the prepared statement, nil when the server does not know it yet.
func (s *session) find(sql string) *prepared {
	if p := s.fixed[sql]; p != nil {
		return p
	}
	e := s.bySQL[sql]
	if e == nil {
		return nil
	}
	s.recent.MoveToFront(e)
	return e.Value.(*prepared)
}

// prepare makes the server know every statement of the message, in one trip for all that are new.
func (s *session) prepare(ctx context.Context, r *request) error {
	var missing []string
	r.each(func(st *statement) {
		if !isSavepoint(st.sql) && s.find(st.sql) == nil && !slices.Contains(missing, st.sql) {
			missing = append(missing, st.sql)
		}
	})
	if missing == nil {
		return nil
	}
	fresh, err := s.prepareAll(ctx, missing)
	for _, p := range fresh {
		s.bySQL[p.SQL] = s.recent.PushFront(p)
	}
	return err
}

// trim forgets the statements used longest ago, and the memory of a long message. It runs after a message, so that a
// long one keeps all of its own.
func (s *session) trim() {
	if len(s.builders) > 2*usualParts {
		s.builders, s.parts = slices.Clone(s.builders[:usualParts]), nil
	}
	for s.recent.Len() > maxStatements {
		s.forget(s.recent.Back().Value.(*prepared).SQL)
	}
}

func (s *session) forget(sql string) {
	if e := s.bySQL[sql]; e != nil {
		s.recent.Remove(e)
		delete(s.bySQL, sql)
		s.dropped = append(s.dropped, e.Value.(*prepared).Name)
	}
}

// prepareAll prepares the statements and closes the dropped ones. With an error it returns those prepared before it.
func (s *session) prepareAll(ctx context.Context, sqls []string) (fresh []*prepared, err error) {
	pipe := s.conn.PgConn().StartPipeline(ctx)
	for _, name := range s.dropped {
		pipe.SendDeallocate(name)
	}
	first := s.lastNumber + 1
	for _, sql := range sqls {
		s.lastNumber++
		pipe.SendPrepare(namedPrefix+strconv.Itoa(s.lastNumber), sql, nil)
	}
	keep := func(e error) {
		if err == nil {
			err = e
		}
	}
	keep(pipe.Sync())
	for range s.dropped {
		if err != nil {
			break
		}
		_, e := pipe.GetResults()
		keep(e)
	}
	for i := 0; i < len(sqls) && err == nil; i++ {
		res, e := pipe.GetResults()
		keep(e)
		if sd, ok := res.(*pgconn.StatementDescription); ok {
			sd.Name, sd.SQL = namedPrefix+strconv.Itoa(first+i), sqls[i]
			fresh = append(fresh, &prepared{StatementDescription: *sd})
		} else if e == nil {
			keep(errLost)
		}
	}
	keep(pipe.Close())
	if err == nil || codeOf(err) != "" {
		s.dropped = s.dropped[:0]
	}
	return fresh, lostOr(ctx, s.conn, err)
}

// lostOr marks an error that is neither the server's nor the context's as the loss of the connection.
func lostOr(ctx context.Context, conn *pgx.Conn, err error) error {
	if err == nil || codeOf(err) != "" || ctx.Err() != nil || !conn.IsClosed() {
		return err
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// isSavepoint tells the statements that name a savepoint. They are sent unnamed: each name is new.
func isSavepoint(sql string) bool {
	return hasPrefixFold(sql, "savepoint ") || hasPrefixFold(sql, "release ") || isRollbackTo(sql)
}

func isRollbackTo(sql string) bool { return hasPrefixFold(sql, "rollback to ") }

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// scopeParams are the arguments of setScope.
func scopeParams(sc scope) [][]byte {
	return [][]byte{setting(uuid.UUID(sc.account)), setting(uuid.UUID(sc.partner))}
}
