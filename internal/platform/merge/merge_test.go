package merge_test

import (
	"encoding/json"
	"strings"
	"testing"

	goccy "github.com/goccy/go-json"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/merge"
)

type price struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

type patch struct {
	Name   merge.Field[string]         `json:"name"`
	Owner  merge.Field[*string]        `json:"owner"`
	Price  merge.Field[price]          `json:"price"`
	Tags   merge.Field[[]string]       `json:"tags"`
	Custom merge.Field[map[string]any] `json:"custom"`
	Nested merge.Field[struct {
		Line merge.Field[string] `json:"line"`
	}] `json:"nested"`
}

// Both encoders must tell absent from null, or a PATCH would delete what it does not name, or keep what it deletes.
var decoders = map[string]func([]byte, any) error{
	"encoding/json": json.Unmarshal,
	"goccy/go-json": goccy.Unmarshal,
	"encoding/json stream": func(data []byte, v any) error {
		d := json.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		return d.Decode(v)
	},
	"goccy/go-json stream": func(data []byte, v any) error {
		d := goccy.NewDecoder(strings.NewReader(string(data)))
		d.DisallowUnknownFields()
		return d.Decode(v)
	},
}

func TestFieldTellsAbsentNullAndValueApart(t *testing.T) {
	t.Parallel()
	for name, decode := range decoders {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var none patch
			require.NoError(t, decode([]byte(`{}`), &none))
			assert.Equal(t, patch{}, none)

			var nulls patch
			require.NoError(t, decode([]byte(`{"name":null,"owner": null ,"price":null,"tags":null,"custom":null,"nested":null}`), &nulls))
			for field, got := range map[string][2]bool{
				"name": {nulls.Name.Set, nulls.Name.Null}, "owner": {nulls.Owner.Set, nulls.Owner.Null},
				"price": {nulls.Price.Set, nulls.Price.Null}, "tags": {nulls.Tags.Set, nulls.Tags.Null},
				"custom": {nulls.Custom.Set, nulls.Custom.Null}, "nested": {nulls.Nested.Set, nulls.Nested.Null},
			} {
				assert.Equal(t, [2]bool{true, true}, got, field)
			}

			var values patch
			require.NoError(t, decode([]byte(`{"name":"","price":{"amount":9007199254740993,"currency":"EUR"},"tags":[],
				"custom":{"colour":null},"nested":{"line":null}}`), &values))
			assert.Equal(t, merge.Field[string]{Set: true}, values.Name)
			assert.False(t, values.Owner.Set)
			assert.Equal(t, price{Amount: 9007199254740993, Currency: "EUR"}, values.Price.Value)
			assert.Equal(t, merge.Field[[]string]{Set: true, Value: []string{}}, values.Tags)
			assert.Equal(t, map[string]any{"colour": nil}, values.Custom.Value)
			assert.True(t, values.Nested.Value.Line.Null)
		})
	}
}

func TestFieldRefuses(t *testing.T) {
	t.Parallel()
	for name, decode := range decoders {
		for _, body := range []string{
			`{"name":12}`, `{"price":{"amount":"x"}}`, `{"price":{"amount":1,"colour":"red"}}`, `{"name":nul}`, `{"tags":{}}`,
		} {
			require.Error(t, decode([]byte(body), &patch{}), "%s %s", name, body)
		}
	}
	var f merge.Field[int]
	assert.Error(t, f.UnmarshalJSON([]byte(`1 2`)))
}

func TestFieldForgetsTheBodyBefore(t *testing.T) {
	t.Parallel()
	for name, decode := range decoders {
		p := patch{Price: merge.Field[price]{Set: true, Value: price{Amount: 1, Currency: "EUR"}}}
		require.NoError(t, decode([]byte(`{"price":{"amount":2}}`), &p))
		assert.Equal(t, price{Amount: 2}, p.Price.Value, name)
		require.NoError(t, decode([]byte(`{"price":null}`), &p))
		assert.Equal(t, merge.Field[price]{Set: true, Null: true}, p.Price, name)
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	absent, null, given := merge.Field[int]{}, merge.Field[int]{Set: true, Null: true}, merge.Field[int]{Set: true, Value: 5}
	for _, tt := range []struct {
		field merge.Field[int]
		want  int
		ptr   *int
	}{{absent, 3, new(3)}, {null, 0, nil}, {given, 5, new(5)}} {
		dst, ptr := 3, new(3)
		for range 2 { // twice is as once
			tt.field.Apply(&dst)
			tt.field.ApplyPtr(&ptr)
			assert.Equal(t, tt.want, dst)
			assert.Equal(t, tt.ptr, ptr)
		}
	}
	var ptr *int
	given.ApplyPtr(&ptr)
	*ptr = 9
	assert.Equal(t, 5, given.Value)
}

func object(t testing.TB, s string) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal([]byte(s), &m))
	return m
}

// The cases of RFC 7396, appendix A, whose target and patch are objects, and some more.
func TestObject(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ dst, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":"text"}`, `{"a":{"b":null,"c":1}}`, `{"a":{"c":1}}`},
		{`{"a":1}`, `{"a":[null,{"b":null}]}`, `{"a":[null,{"b":null}]}`},
		{`{"a":1}`, `{}`, `{"a":1}`},
		{`null`, `{"a":1}`, `{"a":1}`},
		{`{"a":1}`, `null`, `{"a":1}`},
		{`null`, `null`, `{}`},
	} {
		dst, patch := object(t, tt.dst), object(t, tt.patch)
		assert.Equal(t, object(t, tt.want), merge.Object(dst, patch), "%s + %s", tt.dst, tt.patch)
		assert.Equal(t, object(t, tt.dst), dst, "the target was changed")
		assert.Equal(t, object(t, tt.patch), patch, "the patch was changed")
	}
}

func TestObjectSharesNothingWithThePatch(t *testing.T) {
	t.Parallel()
	patch := object(t, `{"a":[{"b":1}],"c":{"d":[1]}}`)
	got := merge.Object(nil, patch)
	patch["a"].([]any)[0].(map[string]any)["b"] = 2.0
	patch["c"].(map[string]any)["d"].([]any)[0] = 2.0
	assert.Equal(t, object(t, `{"a":[{"b":1}],"c":{"d":[1]}}`), got)
}

func FuzzObject(f *testing.F) {
	f.Add(`{"a":{"b":1},"c":[1]}`, `{"a":{"b":null},"c":null,"d":{"e":{"f":null}}}`)
	f.Add(`{"a":1}`, `{"a":{"a":null}}`)
	f.Add(`{"":null}`, `{"":[null]}`)
	f.Fuzz(func(t *testing.T, target, change string) {
		var dst, patch map[string]any
		if json.Unmarshal([]byte(target), &dst) != nil || json.Unmarshal([]byte(change), &patch) != nil || dst == nil {
			t.Skip("not two objects")
		}
		once := merge.Object(dst, patch)
		require.Equal(t, once, merge.Object(once, patch), "twice is not as once")
		require.Equal(t, dst, merge.Object(dst, nil), "nothing changed something")
		require.Equal(t, dst, merge.Object(dst, map[string]any{}), "nothing changed something")
		require.Equal(t, object(t, target), dst, "the target was changed")
		for key, value := range patch {
			if _, kept := once[key]; kept == (value == nil) {
				t.Fatalf("%q after %s: %v", key, change, once)
			}
		}
	})
}

func FuzzField(f *testing.F) {
	f.Add(`{"name":null}`, "old")
	f.Add(`{"name":"new","owner":null,"price":{"amount":1}}`, "")
	f.Add(`{"NAME":"x","name":null}`, "old")
	f.Fuzz(func(t *testing.T, body, before string) {
		var std, fast patch
		if json.Unmarshal([]byte(body), &std) != nil {
			t.Skip("not a patch")
		}
		require.NoError(t, goccy.Unmarshal([]byte(body), &fast))
		require.Equal(t, std, fast, "the two encoders read it differently")
		once, owner := before, &before
		std.Name.Apply(&once)
		twice := once
		std.Name.Apply(&twice)
		require.Equal(t, once, twice)
		o := std.Owner
		got := owner
		o.Apply(&got)
		require.Equal(t, o.Set && o.Null, got == nil)
	})
}
