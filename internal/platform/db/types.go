package db

import (
	"fmt"
	"reflect"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// registerTypes teaches a connection our ids, and to read times as UTC.
func registerTypes(m *pgtype.Map) {
	uuidType := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: idCodec{}}
	m.RegisterType(uuidType)
	m.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: uuidType}})
	instant := &pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}}
	m.RegisterType(instant)
	m.RegisterType(&pgtype.Type{Name: "_timestamptz", OID: pgtype.TimestamptzArrayOID, Codec: &pgtype.ArrayCodec{ElementType: instant}})
}

// idCodec sends and reads every type made of 16 bytes (kernel.ID, uuid.UUID) as the bytes of a uuid.
// Without it pgx would go through the text of driver.Valuer and sql.Scanner.
type idCodec struct{ pgtype.UUIDCodec }

func (c idCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode && isID(reflect.TypeOf(value)) {
		return encodeID{}
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

func (c idCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	t := reflect.TypeOf(target)
	if format == pgtype.BinaryFormatCode && t != nil && t.Kind() == reflect.Pointer && isID(t.Elem()) {
		return scanID{}
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

func isID(t reflect.Type) bool {
	return t != nil && t.Kind() == reflect.Array && t.Len() == 16 && t.Elem().Kind() == reflect.Uint8
}

type encodeID struct{}

func (encodeID) Encode(value any, buf []byte) ([]byte, error) {
	n := len(buf)
	buf = append(buf, make([]byte, 16)...)
	reflect.Copy(reflect.ValueOf(buf[n:]), reflect.ValueOf(value))
	return buf, nil
}

type scanID struct{}

func (scanID) Scan(src []byte, target any) error {
	if len(src) != 16 {
		return fmt.Errorf("cannot read %d bytes (NULL: %t) into %T", len(src), src == nil, target)
	}
	copy(reflect.ValueOf(target).Elem().Bytes(), src)
	return nil
}
