package schema_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/kernel"
	"github.com/rooftop-crm/rooftop/internal/platform/errs"
	"github.com/rooftop-crm/rooftop/internal/platform/schema"
)

// table is what core keeps.
type table map[kernel.AccountID]string

func (t table) read(_ context.Context, account kernel.AccountID) (schemas map[string]any, err error) {
	text, ok := t[account]
	if !ok {
		return nil, errors.New("no such account")
	}
	return schemas, json.Unmarshal([]byte(text), &schemas)
}

const contactSchema = `{"contact": {
	"type": "object", "required": ["segment"], "additionalProperties": false,
	"properties": {
		"segment": {"enum": ["fleet", "private"]},
		"born": {"type": "string", "format": "date"},
		"cars/owned": {"type": "array", "items": {"$ref": "#/$defs/car"}}
	},
	"$defs": {"car": {"type": "object", "properties": {"seats": {"type": "integer", "minimum": 1}}}}
}}`

func pointers(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	e, ok := errs.As(err)
	require.True(t, ok, "%v", err)
	assert.Equal(t, errs.Invalid, e.Kind)
	var out []string
	for _, f := range e.Fields {
		assert.NotContains(t, f.Detail, "urn:")
		out = append(out, f.Pointer)
	}
	return out
}

func TestValidate(t *testing.T) {
	t.Parallel()
	strict, free := kernel.NewID[kernel.AccountID](), kernel.NewID[kernel.AccountID]()
	s := schema.New(table{strict: contactSchema, free: `{}`}.read, time.Now)
	for name, tt := range map[string]struct {
		custom string
		want   []string
	}{
		"right":           {`{"segment":"fleet","born":"1980-02-29","cars/owned":[{"seats":5}]}`, nil},
		"missing":         {`{}`, []string{"/custom"}},
		"null":            {`null`, []string{"/custom"}},
		"not in the list": {`{"segment":"other"}`, []string{"/custom/segment"}},
		"format":          {`{"segment":"fleet","born":"29/02/1980"}`, []string{"/custom/born"}},
		"not named":       {`{"segment":"fleet","more":1}`, []string{"/custom"}},
		"deep":            {`{"segment":"fleet","cars/owned":[{"seats":5},{"seats":0.5}]}`, []string{"/custom/cars~1owned/1/seats"}},
		"two at once":     {`{"segment":1,"born":1}`, []string{"/custom/segment", "/custom/born"}},
	} {
		var custom map[string]any
		require.NoError(t, json.Unmarshal([]byte(tt.custom), &custom))
		assert.ElementsMatch(t, tt.want, pointers(t, s.Validate(t.Context(), strict, "contact", custom)), name)
		require.NoError(t, s.Validate(t.Context(), strict, "lead", custom), "another resource")
		require.NoError(t, s.Validate(t.Context(), free, "contact", custom), "another account")
	}
	require.Error(t, s.Validate(t.Context(), kernel.NewID[kernel.AccountID](), "contact", nil))
}

func TestSchemasAreReadAgainAfterAWhile(t *testing.T) {
	t.Parallel()
	id := kernel.NewID[kernel.AccountID]()
	kept := table{id: `{}`}
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	s := schema.New(kept.read, func() time.Time { return now })
	require.NoError(t, s.Validate(t.Context(), id, "contact", nil))
	kept[id] = contactSchema
	require.NoError(t, s.Validate(t.Context(), id, "contact", nil), "still known")
	now = now.Add(11 * time.Second)
	require.Error(t, s.Validate(t.Context(), id, "contact", nil))
	kept[id] = `{}`
	s.Forget(id)
	require.NoError(t, s.Validate(t.Context(), id, "contact", nil))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		schemas string
		says    string
	}{
		"right":       {contactSchema, ""},
		"none":        {`{}`, ""},
		"a boolean":   {`{"lead": true}`, ""},
		"wrong type":  {`{"lead": {"type": "objekt"}}`, "/type"},
		"a number":    {`{"lead": 7}`, "no JSON Schema"},
		"a file":      {`{"lead": {"$ref": "file:///etc/passwd"}}`, "own parts only"},
		"a host":      {`{"lead": {"$ref": "http://127.0.0.1:1/x"}}`, "own parts only"},
		"a bad regex": {`{"lead": {"pattern": "("}}`, "regex"},
		"a dangling":  {`{"lead": {"$ref": "#/$defs/none"}}`, "none"},
	} {
		var schemas map[string]any
		require.NoError(t, json.Unmarshal([]byte(tt.schemas), &schemas))
		err := schema.Check(schemas)
		if tt.says == "" {
			require.NoError(t, err, name)
			continue
		}
		e, ok := errs.As(err)
		require.True(t, ok, name)
		assert.Equal(t, "/custom_schemas/lead", e.Fields[0].Pointer, name)
		assert.Contains(t, e.Fields[0].Detail, tt.says, name)
		assert.Less(t, len(e.Fields[0].Detail), 2000)
		assert.NotContains(t, e.Fields[0].Detail, "urn:")
	}
}
