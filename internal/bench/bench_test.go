package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/platform/dbtest"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childFlag {
		os.Exit(child(os.Stdin, os.Stdout))
	}
	dbtest.Main(m)
}

// The yardstick is one only while it does what the server does: the same answers, the same rows.
func TestBothServersDoTheSameWork(t *testing.T) {
	ctx := t.Context()
	_, ownerURL := dbtest.URLs(t)
	conn, err := pgx.Connect(ctx, ownerURL)
	require.NoError(t, err)
	defer hangUp(ctx, conn)
	require.NoError(t, load(ctx, conn, 2*minLeads))
	meta, err := readMeta(ctx, conn)
	require.NoError(t, err)
	require.Equal(t, fingerprint(2*minLeads), meta["fingerprint"])
	b := &bench{owner: conn, options: options{conns: 2, pool: 4, log: os.DevNull}, place: &place{}}
	b.data, err = openDataset(ctx, conn, ownerURL, 2*minLeads, meta["master_key"])
	require.NoError(t, err)
	require.NotEmpty(t, b.data.known, "people who may return")
	require.NoError(t, b.startServers(ctx, t.TempDir()))
	defer b.ours.stop()
	defer b.bare.stop()

	require.NoError(t, b.verify(ctx))

	for _, w := range workloads() {
		for _, s := range []*server{b.ours, b.bare} {
			worker := b.load[s][1]
			require.NoError(t, worker.dial(ctx))
			for range 20 {
				require.NoError(t, worker.ask(&w), w.name)
			}
			worker.hangUp()
			assert.Zero(t, worker.other, "%s: every enquiry makes a lead", w.name)
		}
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	at := func(v any) map[string]any { return map[string]any{"data": []any{map[string]any{"id": "x", "n": v}}} }
	for _, tt := range []struct {
		name string
		a, b any
		want string
	}{
		{"equal", at(1.0), at(1.0), ""},
		{"a value", at(1.0), at(2.0), "/data/0/n is 1 and 2"},
		{"null", at(nil), at(""), "/data/0/n is <nil> and "},
		{"a length", map[string]any{"data": []any{}}, at(1.0), "/data is [] and"},
		{"one side only", map[string]any{}, map[string]any{"x": true}, "/x is <nil> and true"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := difference("", tt.a, tt.b)
			assert.True(t, strings.HasPrefix(got, tt.want) && (got == "") == (tt.want == ""), got)
		})
	}
}

func TestSpread(t *testing.T) {
	t.Parallel()
	assert.Equal(t, spread{3, 1, 9}, spreadOf([]float64{9, 1, 3}))
	assert.InDelta(t, 2.5, spreadOf([]float64{4, 1, 2, 3}).median, 1e-9)
	assert.Equal(t, spread{}, spreadOf(nil))
}

// A parameter that no look-up gives would be sent to Postgres as a colon and a name.
func TestScriptsNameOnlyWhatTheyLookUp(t *testing.T) {
	t.Parallel()
	variable := regexp.MustCompile(`[^:]:([a-z]+)`)
	for name, s := range scripts() {
		text := s.text(1000)
		assert.NotContains(t, text, "$", name)
		lookup := strings.Split(text, "\n")[2]
		for _, m := range variable.FindAllStringSubmatch(strings.Join(strings.Split(text, "\n")[3:], "\n"), -1) {
			assert.Regexp(t, `\b`+m[1]+`\b`, lookup, name)
		}
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	o, err := parse([]string{"-full"})
	require.NoError(t, err)
	assert.Equal(t, 1_000_000, o.leads)
	for _, args := range [][]string{{"-leads", "10"}, {"-rounds", "0"}, {"full"}, {"-nonsense"}} {
		_, err := parse(args)
		require.Error(t, err, args)
	}
	_, err = chooseWorkloads("read,walk")
	assert.ErrorContains(t, err, "walk")
}
