package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/rooftop-crm/rooftop/pkg/phone"
)

// accountHeader names the account to the bare server, which believes it.
const accountHeader = "X-Account"

// bare is the yardstick: net/http and pgx, one hard-wired handler for each workload, the statements of our server under row
// security by batch, encoding/json. It has no authentication, router, middleware, idempotency record, limits or metrics.
type bare struct {
	pool  *pgxpool.Pool
	actor pgtype.UUID // stands where our server puts the caller's credential
}

func newBare(ctx context.Context, serverURL string, pool int) (*bare, error) {
	cfg, err := pgxpool.ParseConfig(serverURL)
	if err != nil {
		return nil, err
	}
	cfg.MaxConns = int32(pool) //nolint:gosec // a flag, small
	cfg.AfterConnect = func(_ context.Context, conn *pgx.Conn) error {
		conn.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}
	b := &bare{actor: newID()}
	b.pool, err = pgxpool.NewWithConfig(ctx, cfg)
	phone.Parse("06 39 98 00 00", "FR") // the library's tables are made on first use
	return b, err
}

func newID() pgtype.UUID { return pgtype.UUID{Bytes: uuid.Must(uuid.NewV7()), Valid: true} }

const leadsPath = "/v1/leads"

// ServeHTTP finds the handler by the path's shape.
func (b *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var account pgtype.UUID
	if err := account.Scan(r.Header.Get(accountHeader)); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var err error
	rest := strings.TrimPrefix(r.URL.Path, leadsPath)
	switch {
	case r.Method == http.MethodGet && rest == "":
		err = b.list(w, r, account)
	case r.Method == http.MethodGet:
		err = b.get(w, r, account, strings.TrimPrefix(rest, "/"))
	case rest == "":
		err = b.create(w, r, account)
	case rest == "/adf":
		err = b.adf(w, r, account)
	default:
		err = b.move(w, r, account, strings.TrimSuffix(strings.TrimPrefix(rest, "/"), "/status"))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func answer(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	sendJSON(w, status, body)
	return nil
}

func sendJSON(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// query runs one statement for the account: the setting and the statement are one message and one transaction.
func (b *bare) query(ctx context.Context, account pgtype.UUID, sql string, args []any, each func(pgx.Rows) error) error {
	batch := &pgx.Batch{}
	batch.Queue(setAccount, account.String())
	batch.Queue(sql, args...)
	results := b.pool.SendBatch(ctx, batch)
	defer results.Close() //nolint:errcheck // a second close; the first one's error is returned
	if _, err := results.Exec(); err != nil {
		return err
	}
	if err := eachRow(results, each); err != nil {
		return err
	}
	return results.Close()
}

func eachRow(results pgx.BatchResults, each func(pgx.Rows) error) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (b *bare) get(w http.ResponseWriter, r *http.Request, account pgtype.UUID, id string) error {
	var l bareLead
	found := false
	err := b.query(r.Context(), account, selectLead, []any{account, id}, func(rows pgx.Rows) (err error) {
		l, err = scanLead(rows)
		found = true
		return err
	})
	if err != nil {
		return err
	}
	if !found || l.DeletedAt != nil {
		http.NotFound(w, r)
		return nil
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%d"`, l.Version))
	return answer(w, http.StatusOK, l)
}

type bareList struct {
	Data       []bareLead `json:"data"`
	NextCursor *string    `json:"next_cursor"`
}

func (b *bare) list(w http.ResponseWriter, r *http.Request, account pgtype.UUID) error {
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil {
		return err
	}
	sql, args := listLeads, []any{account, q.Get("status"), limit + 1}
	if term := q.Get("q"); term != "" {
		sql, args = searchLeads, []any{likePatterns(term), limit + 1, account}
	}
	out := bareList{Data: make([]bareLead, 0, limit+1)}
	err = b.query(r.Context(), account, sql, args, func(rows pgx.Rows) error {
		l, err := scanLead(rows)
		out.Data = append(out.Data, l)
		return err
	})
	if err != nil {
		return err
	}
	if len(out.Data) > limit {
		out.Data = out.Data[:limit]
		last := &out.Data[limit-1]
		cursor := base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d/%s", last.CreatedAt.UnixMicro(), last.ID))
		out.NextCursor = &cursor
	}
	if q.Get("include") == "contact" {
		if err := b.embed(r.Context(), account, out.Data); err != nil {
			return err
		}
	}
	return answer(w, http.StatusOK, out)
}

func (b *bare) embed(ctx context.Context, account pgtype.UUID, list []bareLead) error {
	ids := make([]pgtype.UUID, len(list))
	for i := range list {
		ids[i] = list[i].ContactID
	}
	found := make(map[pgtype.UUID]*bareContact, len(ids))
	err := b.query(ctx, account, selectContacts, []any{account, ids}, func(rows pgx.Rows) error {
		c, err := scanContact(rows)
		found[c.ID] = &c
		return err
	})
	for i := range list {
		list[i].Contact = found[list[i].ContactID]
	}
	return err
}
