package db

import (
	"database/sql/driver"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// columns is how the columns of a statement become values of database/sql. It is kept with the prepared statement,
// since a connection reads one result at a time.
type columns struct {
	fields []pgconn.FieldDescription
	names  []string
	decode []func(src []byte) (driver.Value, error)
}

// binaryForSQL are the types database/sql has a value of; all others are asked for, and handed on, as text.
var binaryForSQL = map[uint32]bool{
	pgtype.BoolOID: true, pgtype.ByteaOID: true, pgtype.DateOID: true, pgtype.Float4OID: true, pgtype.Float8OID: true,
	pgtype.Int2OID: true, pgtype.Int4OID: true, pgtype.Int8OID: true, pgtype.TimestampOID: true,
	pgtype.TimestamptzOID: true, pgtype.OIDOID: true, pgtype.XIDOID: true, pgtype.CIDOID: true,
}

func (p *prepared) formatsForSQL() []int16 {
	if p.sqlFormats == nil {
		p.sqlFormats = make([]int16, len(p.Fields))
		for i, f := range p.Fields {
			if binaryForSQL[f.DataTypeOID] {
				p.sqlFormats[i] = pgx.BinaryFormatCode
			}
		}
	}
	return p.sqlFormats
}

// sqlRows reads a reply for database/sql.
type sqlRows struct {
	reply *reply
	cols  *columns
	types *pgtype.Map
}

func newSQLRows(r *reply) *sqlRows {
	rows := &sqlRows{reply: r, types: r.s.types}
	if r.known != nil && r.known.columns != nil {
		rows.cols = r.known.columns
		return rows
	}
	rows.cols = newColumns(rows.types, r.result.FieldDescriptions())
	if r.known != nil && len(r.known.Fields) > 0 {
		r.known.columns = rows.cols
	}
	return rows
}

func newColumns(m *pgtype.Map, described []pgconn.FieldDescription) *columns {
	c := &columns{
		fields: append([]pgconn.FieldDescription(nil), described...), // pgconn uses its slice again
		names:  make([]string, len(described)),
		decode: make([]func([]byte) (driver.Value, error), len(described)),
	}
	for i, f := range c.fields {
		c.names[i] = f.Name
		c.decode[i] = decoder(m, f)
	}
	return c
}

func (r *sqlRows) Columns() []string { return r.cols.names }

func (r *sqlRows) Close() error { return r.reply.close() }

// Next closes the reply before it says io.EOF: an error that comes with the commit would be lost in Close,
// whose error database/sql drops once the rows have ended.
func (r *sqlRows) Next(dest []driver.Value) error {
	if r.reply.finished || !r.reply.result.NextRow() {
		if err := r.reply.close(); err != nil {
			return err
		}
		return io.EOF
	}
	r.reply.read = true
	for i, src := range r.reply.result.Values() {
		dest[i] = nil
		if src == nil {
			continue
		}
		v, err := r.cols.decode[i](src)
		if err != nil {
			return fmt.Errorf("read column %s: %w", r.cols.names[i], err)
		}
		dest[i] = v
	}
	return nil
}

// decoder returns what makes a driver.Value of a column's bytes.
func decoder(m *pgtype.Map, f pgconn.FieldDescription) func([]byte) (driver.Value, error) {
	switch f.DataTypeOID {
	case pgtype.BoolOID:
		return plain[bool](m, f, func(v bool) driver.Value { return v })
	case pgtype.Int2OID:
		return plain[int16](m, f, func(v int16) driver.Value { return int64(v) })
	case pgtype.Int4OID:
		return plain[int32](m, f, func(v int32) driver.Value { return int64(v) })
	case pgtype.Int8OID:
		return plain[int64](m, f, func(v int64) driver.Value { return v })
	case pgtype.Float4OID:
		return plain[float32](m, f, func(v float32) driver.Value { return float64(v) })
	case pgtype.Float8OID:
		return plain[float64](m, f, func(v float64) driver.Value { return v })
	case pgtype.OIDOID, pgtype.XIDOID, pgtype.CIDOID:
		return valued[pgtype.Uint32](m, f)
	case pgtype.DateOID:
		return valued[pgtype.Date](m, f)
	case pgtype.TimestampOID:
		return valued[pgtype.Timestamp](m, f)
	case pgtype.TimestamptzOID:
		return valued[pgtype.Timestamptz](m, f)
	case pgtype.ByteaOID:
		return func(src []byte) (driver.Value, error) {
			var v []byte
			err := m.Scan(f.DataTypeOID, f.Format, src, &v)
			return v, err
		}
	case pgtype.JSONOID, pgtype.JSONBOID, pgtype.XMLOID:
		return func(src []byte) (driver.Value, error) { return append([]byte{}, src...), nil }
	default:
		return func(src []byte) (driver.Value, error) { return string(src), nil }
	}
}

func plain[T any](m *pgtype.Map, f pgconn.FieldDescription, value func(T) driver.Value) func([]byte) (driver.Value, error) {
	var v T
	plan := m.PlanScan(f.DataTypeOID, f.Format, &v)
	return func(src []byte) (driver.Value, error) {
		err := plan.Scan(src, &v)
		return value(v), err
	}
}

// valued reads types that know their own driver.Value, such as a timestamp that may be infinite.
func valued[T driver.Valuer](m *pgtype.Map, f pgconn.FieldDescription) func([]byte) (driver.Value, error) {
	var v T
	plan := m.PlanScan(f.DataTypeOID, f.Format, &v)
	return func(src []byte) (driver.Value, error) {
		if err := plan.Scan(src, &v); err != nil {
			return nil, err
		}
		return v.Value()
	}
}

// ColumnTypeDatabaseTypeName is the name of the type in upper case, its OID when the name is not known.
func (r *sqlRows) ColumnTypeDatabaseTypeName(i int) string {
	oid := r.cols.fields[i].DataTypeOID
	if t, ok := r.types.TypeForOID(oid); ok {
		return strings.ToUpper(t.Name)
	}
	return strconv.FormatUint(uint64(oid), 10)
}

// ColumnTypeLength is the declared length of a text type, math.MaxInt64 for one without bound.
func (r *sqlRows) ColumnTypeLength(i int) (int64, bool) {
	const header = 4 // counted in the modifier
	f := r.cols.fields[i]
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.ByteaOID:
		return math.MaxInt64, true
	case pgtype.VarcharOID, pgtype.BPCharOID:
		return int64(f.TypeModifier) - header, true
	case pgtype.VarbitOID:
		return int64(f.TypeModifier), true
	default:
		return 0, false
	}
}

// ColumnTypePrecisionScale is what a numeric was declared with.
func (r *sqlRows) ColumnTypePrecisionScale(i int) (precision, scale int64, ok bool) {
	f := r.cols.fields[i]
	if f.DataTypeOID != pgtype.NumericOID {
		return 0, 0, false
	}
	declared := int64(f.TypeModifier) - 4
	return declared >> 16 & 0xffff, declared & 0xffff, true
}

// ColumnTypeScanType is the Go type gorm makes of the column in a map.
func (r *sqlRows) ColumnTypeScanType(i int) reflect.Type {
	switch r.cols.fields[i].DataTypeOID {
	case pgtype.BoolOID:
		return reflect.TypeFor[bool]()
	case pgtype.Int2OID:
		return reflect.TypeFor[int16]()
	case pgtype.Int4OID:
		return reflect.TypeFor[int32]()
	case pgtype.Int8OID:
		return reflect.TypeFor[int64]()
	case pgtype.Float4OID:
		return reflect.TypeFor[float32]()
	case pgtype.Float8OID, pgtype.NumericOID:
		return reflect.TypeFor[float64]()
	case pgtype.DateOID, pgtype.TimestampOID, pgtype.TimestamptzOID:
		return reflect.TypeFor[time.Time]()
	case pgtype.ByteaOID:
		return reflect.TypeFor[[]byte]()
	default:
		return reflect.TypeFor[string]()
	}
}
