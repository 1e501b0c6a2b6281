package db_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/db"
)

// everyType has a value, and a NULL, of each type we know of.
var everyType = []string{
	"true", "7::int2", "8::int4", "9::int8", "1.5::float4", "2.25::float8", "'inf'::float8", "3.14::numeric", "1e30::numeric(40,2)",
	"'text'::text", "''::text", "'vc'::varchar", "'vc'::varchar(9)", "'c'::char(3)", `'c'::"char"`, "'n'::name", `'\xdeadbeef'::bytea`,
	"'2026-11-23'::date", "'infinity'::date", "'2026-11-23 10:11:12.123456'::timestamp", "'2026-11-23 10:11:12.123456+02'::timestamptz",
	"'-infinity'::timestamptz", "'10:11:12.5'::time", "'10:11:12+02'::timetz", "'1 year 2 days 03:04:05'::interval",
	"'0190163d-8694-739b-aea5-966c26f8ad91'::uuid", `'{"a": [1, null]}'::json`, `'{"a": [1, null]}'::jsonb`, "'<a/>'::xml",
	"'192.0.2.1/24'::inet", "'192.0.2.0/24'::cidr", "'08:00:2b:01:02:03'::macaddr", "'101'::bit(3)", "'1011'::varbit", "'(1,2)'::point",
	"'{1,2,NULL}'::int4[]", "'{a,\"b c\",NULL}'::text[]", "'{0190163d-8694-739b-aea5-966c26f8ad91}'::uuid[]",
	"'[1,5)'::int4range", "'[2026-11-23 10:00+00,)'::tstzrange", "'{[1,2),[5,9)}'::int4multirange", "row(1, 'x', null)", "1259::oid",
	"'pg_class'::regclass", "'10'::xid", "'12.50'::money", "'a & b'::tsquery", "'a b'::tsvector", "'0/16B3748'::pg_lsn", "'$.a'::jsonpath", "'{}'::timestamptz[]",
}

// plainSQL is database/sql as pgx makes it, with times read as ours are.
func plainSQL(t *testing.T) *sql.DB {
	t.Helper()
	cfg, err := pgx.ParseConfig(here(t).app)
	require.NoError(t, err)
	cfg.RuntimeParams["timezone"] = "UTC"
	plain := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{
			Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
		})
		return nil
	}))
	t.Cleanup(func() { _ = plain.Close() })
	return plain
}

func TestTypesAreThoseOfPlainDatabaseSQL(t *testing.T) {
	d := open(t, onePerPool)
	plain := plainSQL(t)
	plainGorm, err := gorm.Open(postgres.New(postgres.Config{Conn: plain}), &gorm.Config{Logger: logger.Discard})
	require.NoError(t, err)
	ctx, account := context.Background(), newAccount()
	ours := d.Conn(ctx, account)
	require.GreaterOrEqual(t, len(everyType), 40)

	for _, expr := range everyType {
		t.Run(expr, func(t *testing.T) {
			query := fmt.Sprintf("select v, nullif(v::text, v::text) as none from (select %s as v) x", expr)
			for range 2 { // the second time from the cache
				var want, got, wantNone, gotNone any
				require.NoError(t, plain.QueryRowContext(ctx, query).Scan(&want, &wantNone))
				require.NoError(t, ours.Raw(query).Row().Scan(&got, &gotNone))
				require.Equal(t, want, got)
				require.Nil(t, gotNone)

				var wantMap, gotMap []map[string]any
				wantErr := plainGorm.Raw(query).Scan(&wantMap).Error // an infinite time is no time.Time
				require.Equal(t, fmt.Sprint(wantErr), fmt.Sprint(ours.Raw(query).Scan(&gotMap).Error))
				require.Equal(t, wantMap, gotMap)
			}
			requireSameColumns(t, plainGorm, ours, query)
		})
	}
}

func requireSameColumns(t *testing.T, plain, ours *gorm.DB, query string) {
	t.Helper()
	describe := func(g *gorm.DB) (all []string) {
		rows, err := g.Raw(query).Rows()
		require.NoError(t, err)
		defer func() { require.NoError(t, rows.Close()) }()
		types, err := rows.ColumnTypes()
		require.NoError(t, err)
		for _, c := range types {
			length, isLong := c.Length()
			precision, scale, isNumber := c.DecimalSize()
			all = append(all, fmt.Sprint(c.Name(), c.DatabaseTypeName(), c.ScanType(), length, isLong, precision, scale, isNumber))
		}
		require.NoError(t, rows.Err())
		return all
	}
	require.Equal(t, describe(plain), describe(ours))
}

// TestRawValuesRoundTrip sends and reads the Go types our stores use.
func TestRawValuesRoundTrip(t *testing.T) {
	d := open(t, onePerPool)
	account, lead := newAccount(), kernel.NewID[kernel.LeadID]()
	at := time.Date(2026, 11, 23, 10, 11, 12, 123456000, time.UTC)
	name, number := "Zoë", int64(1)<<40
	roundTrip(t, d, "uuid", account)
	roundTrip(t, d, "uuid", uuid.UUID(lead))
	roundTrip(t, d, "uuid", kernel.LeadID{})
	roundTrip(t, d, "uuid", &lead)
	roundTrip(t, d, "uuid", (*kernel.LeadID)(nil))
	roundTrip(t, d, "uuid[]", []kernel.LeadID{lead, kernel.NewID[kernel.LeadID]()})
	roundTrip(t, d, "uuid[]", []kernel.LeadID{})
	roundTrip(t, d, "uuid[]", []*kernel.LeadID{&lead, nil})
	roundTrip(t, d, "uuid[]", []uuid.UUID{uuid.New()})
	roundTrip(t, d, "text", name)
	roundTrip(t, d, "text", &name)
	roundTrip(t, d, "text", (*string)(nil))
	roundTrip(t, d, "text[]", []string{"a", "", `"{}\`, "Zoë"})
	roundTrip(t, d, "text[]", []string(nil))
	roundTrip(t, d, "timestamptz", at)
	roundTrip(t, d, "timestamptz", &at)
	roundTrip(t, d, "timestamptz", (*time.Time)(nil))
	roundTrip(t, d, "timestamptz[]", []time.Time{at})
	roundTrip(t, d, "int8", number)
	roundTrip(t, d, "int4", (*int)(nil))
	roundTrip(t, d, "float8", 2.25)
	roundTrip(t, d, "bool", true)
	roundTrip(t, d, "bytea", []byte{0, 1, 0xff})
	roundTrip(t, d, "jsonb", json.RawMessage(`{"a": 1}`))
	roundTrip(t, d, "jsonb", []byte(`{"a": [null]}`))
	roundTrip(t, d, "jsonb", json.RawMessage(nil))
	roundTrip(t, d, "jsonb", map[string]int{"a": 1})

	var text string
	require.NoError(t, d.QueryRow(context.Background(), account, "select $1::uuid", []any{lead.String()}, &text))
	require.Equal(t, lead.String(), text, "an id as text is welcome too")
	require.NoError(t, d.QueryRow(context.Background(), account, "select $1::text", []any{lead}, &text))
	require.Equal(t, lead.String(), text)
	var id kernel.LeadID
	require.ErrorContains(t, d.QueryRow(context.Background(), account, "select null::uuid", nil, &id), "NULL")
	require.Error(t, d.QueryRow(context.Background(), account, "select 1", nil, &id))
}

func roundTrip[T any](t *testing.T, d *db.DB, typ string, want T) {
	t.Helper()
	var got T
	err := d.QueryRow(context.Background(), newAccount(), "select $1::"+typ, []any{want}, &got)
	require.NoError(t, err, "%s of %T", typ, want)
	require.Equal(t, want, got, "%s of %T", typ, want)
}

func TestIDsCostNoText(t *testing.T) {
	d := open(t, onePerPool)
	account, lead := newAccount(), kernel.NewID[kernel.LeadID]()
	var got, want kernel.LeadID
	var text string
	ctx := context.Background()
	byID := testing.AllocsPerRun(200, func() { _ = d.QueryRow(ctx, account, "select $1::uuid", []any{lead}, &got) })
	byText := testing.AllocsPerRun(200, func() { _ = d.QueryRow(ctx, account, "select $1::text", []any{lead.String()}, &text) })
	require.Equal(t, lead, got)
	require.NotEqual(t, want, lead)
	require.LessOrEqual(t, byID, byText)
}

func TestGormKeepsMicroseconds(t *testing.T) {
	d := open(t, onePerPool)
	account := newAccount()
	at := d.Conn(context.Background(), account).NowFunc()
	n := newNote(account, "x")
	n.At = &at
	require.NoError(t, d.Conn(context.Background(), account).Create(&n).Error)
	var got note
	require.NoError(t, d.Conn(context.Background(), account).Take(&got).Error)
	require.Equal(t, n, got)
}
