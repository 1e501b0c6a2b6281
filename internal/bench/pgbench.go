package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
)

// pgbenchRate is transactions a second, or why there are none.
type pgbenchRate struct {
	rate float64
	why  string
}

// script is what pgbench does for one workload. params names, in the order of $1, $2 …, the variables that the look-up gives.
// Parts are messages: what is in one part travels together, as it does from the servers.
type script struct {
	lookup string
	parts  [][]statementOf
}

type statementOf struct {
	sql    string
	params []string
}

const anySample = `FROM bench.sample WHERE n = :n`

func setting() statementOf { return statementOf{setAccount, []string{"account"}} }

func scripts() map[string]script {
	one := func(lookup string, s statementOf, more ...statementOf) script {
		sc := script{lookup: lookup, parts: [][]statementOf{{setting(), s}}}
		for _, m := range more {
			sc.parts = append(sc.parts, []statementOf{setting(), m})
		}
		return sc
	}
	lead := `SELECT account_id AS account, lead_id AS lead, status ` + anySample
	list := statementOf{listLeads, []string{"account", "status", "=51"}}
	return map[string]script{
		"read":   one(lead, statementOf{selectLead, []string{"account", "lead"}}),
		"list":   one(lead, list),
		"search": one(`SELECT account_id AS account, '%' || lower(term) || '%' AS term `+anySample, statementOf{strings.Replace(searchLeads, "$1", "ARRAY[$1]", 1), []string{"term", "=51", "account"}}),
		"status": statusScript(`SELECT account_id AS account, lead_id AS lead FROM bench.closed WHERE n = :c`),
		"create": createScript(),
		// The contacts of fifty neighbouring leads stand for those of the list, whose ids pgbench cannot keep.
		"list_contact": one(lead, list, statementOf{
			strings.Replace(selectContacts, "($2)", "(ARRAY(SELECT contact_id FROM leads l WHERE l.account_id = $1 AND l.deleted_at IS NULL AND l.status = $2 ORDER BY l.created_at DESC, l.id DESC LIMIT 50))", 1),
			[]string{"account", "status"},
		}),
	}
}

func statusScript(lookup string) script {
	return script{lookup: lookup, parts: [][]statementOf{
		{{"BEGIN", nil}, setting(), {lockLead, []string{"account", "lead"}}},
		{
			{`INSERT INTO lead_history (account_id, lead_id, id, at, kind, from_status, to_status, actor_type, actor_id, actor_name)
				VALUES ($1, $2, gen_random_uuid(), now(), 'status', 'new', 'in_contact', 'api_key', $2, 'bench')`, []string{"account", "lead"}},
			{`UPDATE leads SET version = version + 1, updated_at = clock_timestamp(), closed_at = NULL, status_reason = '', postponed_until = NULL,
				won_vin = '', order_number = '', sold_at = NULL, status = CASE status WHEN 'in_contact' THEN 'visited' ELSE 'in_contact' END
				WHERE account_id = $1 AND id = $2`, []string{"account", "lead"}},
			eventOf("lead.status_changed", "lead", "lead"),
			{"COMMIT", nil},
		},
	}}
}

func eventOf(event, resource, id string) statementOf {
	return statementOf{`INSERT INTO events (account_id, id, type, resource_type, resource_id, sequence, actor_type, actor_id, changed, occurred_at)
		VALUES ($1, gen_random_uuid(), '` + event + `', '` + resource + `', $2, 1, 'api_key', $2, '{}', now())`, []string{"account", id}}
}

// createScript opens a lead of a new person: the commonest case. Texts are those of a sample, made unlike by a random number.
func createScript() script {
	lookup := `SELECT s.account_id AS account, s.dealership_id AS dealership, gen_random_uuid() AS contact, gen_random_uuid() AS lead,
		md5(random()::text) AS mark, t.details, t.search, t.emails, t.phones
		FROM bench.sample s, bench.texts t WHERE s.n = :n AND t.n = 1 + :n % 1000`
	mark := []string{"account", "mark"}
	return script{lookup: lookup, parts: [][]statementOf{
		{
			{"BEGIN", nil},
			setting(),
			{`SELECT pg_advisory_xact_lock(hashtextextended($1, 0))`, []string{"mark"}},
			{`SELECT r.lead_id FROM lead_refs r WHERE r.account_id = $1 AND r.source = 'bench' AND r.external_id = $2`, mark},
			{`SELECT pg_advisory_xact_lock(hashtextextended($1, 1))`, []string{"mark"}},
			{strings.NewReplacer("ANY ($2)", "ANY (ARRAY[$2])", "ANY ($3)", "ANY (ARRAY[$2])").Replace(selectSharing), mark},
		},
		{
			{
				`INSERT INTO contacts (account_id, id, kind, first_name, last_name, full_name, emails, phones, search, created_at, updated_at)
				VALUES ($1, $2, 'person', 'Hélène', 'Barbadin', 'Hélène Barbadin', $3, $4, left($5, 60) || $6, now(), now())`,
				[]string{"account", "contact", "emails", "phones", "search", "mark"},
			},
			{`INSERT INTO contact_points (account_id, kind, value, contact_id) VALUES ($1, 'email', $2, $3), ($1, 'phone', $2, $3)`, []string{"account", "mark", "contact"}},
			eventOf("contact.created", "contact", "contact"),
			{
				`INSERT INTO leads (account_id, id, dealership_id, contact_id, type, channel, status, source, requested_at, received_at, details, search, created_at, updated_at)
				VALUES ($1, $2, $3, $4, 'test_drive', 'portal', 'new', 'La Vitrine Auto', now(), now(), $5, left($6, 150) || $7, now(), now())`,
				[]string{"account", "lead", "dealership", "contact", "details", "search", "mark"},
			},
			{`INSERT INTO lead_refs (account_id, source, external_id, lead_id) VALUES ($1, 'bench', $2, $3)`, []string{"account", "mark", "lead"}},
			{`INSERT INTO lead_history (account_id, lead_id, id, at, kind, to_status, note, actor_type, actor_id, actor_name)
				VALUES ($1, $2, gen_random_uuid(), now(), 'created', 'new', 'La Vitrine Auto', 'api_key', $2, 'bench')`, []string{"account", "lead"}},
			eventOf("lead.created", "lead", "lead"),
			{"COMMIT", nil},
		},
	}}
}

var placeholder = regexp.MustCompile(`\$\d+`)

// text is the script as pgbench reads it.
func (s script) text(samples int) string {
	var out strings.Builder
	// c is for bench.closed, which has 43 in a hundred of the samples.
	fmt.Fprintf(&out, "\\set n random(1, %d)\n\\set c random(1, %d)\n%s \\gset\n", samples, samples*2/5, oneLine(s.lookup))
	for _, part := range s.parts {
		out.WriteString("\\startpipeline\n")
		for _, st := range part {
			sql := placeholder.ReplaceAllStringFunc(oneLine(st.sql), func(p string) string {
				n, _ := strconv.Atoi(p[1:])
				if name, fixed := strings.CutPrefix(st.params[n-1], "="); fixed {
					return name
				}
				return ":" + st.params[n-1]
			})
			out.WriteString(sql + ";\n")
		}
		out.WriteString("\\endpipeline\n")
	}
	return out.String()
}

func oneLine(sql string) string { return strings.Join(strings.Fields(sql), " ") }

// mixture is the workload mix in pgbench's weights.
var mixture = []struct {
	name   string
	weight int
}{{"read", 24}, {"list", 23}, {"search", 23}, {"status", 20}, {"create", 10}}

// runPgbench runs the workload's statements under the same role and policies, with both servers stopped.
func (b *bench) runPgbench(ctx context.Context, w *workload, dir string) (pgbenchRate, error) {
	binary, found := b.place.pgbench()
	if !found {
		return pgbenchRate{why: "not found beside the other binaries of Postgres, nor in PATH"}, nil
	}
	args, err := b.scriptArgs(w, dir)
	if err != nil || args == nil {
		return pgbenchRate{}, err
	}
	for _, s := range []*server{b.ours, b.bare} {
		if err := b.suspend(ctx, s); err != nil {
			return pgbenchRate{}, err
		}
		defer func() { _ = s.signal(syscall.SIGCONT) }()
	}
	args = append(args, "-n", "-M", "prepared", "-c", strconv.Itoa(b.clients), "-j", "2", "-T", strconv.Itoa(max(1, int(b.round.Seconds()))))
	u, err := url.Parse(b.data.serverURL)
	if err != nil {
		return pgbenchRate{}, err
	}
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	cmd := exec.CommandContext(ctx, binary, append(args, u.String())...) //nolint:gosec // Postgres' own tool
	cmd.Env = []string{"PGPASSWORD=" + password, "LC_ALL=C", "PATH=" + b.place.path}
	out, err := cmd.CombinedOutput()
	rate, ok := readRate(string(out))
	if err != nil || !ok {
		return pgbenchRate{}, fmt.Errorf("pgbench: %w: %s", errors.Join(err, errNoRate), lastLines(string(out), 12))
	}
	return pgbenchRate{rate: rate}, nil
}

var errNoRate = errors.New("no rate")

// scriptArgs writes the scripts of a workload; nil when there are none.
func (b *bench) scriptArgs(w *workload, dir string) ([]string, error) {
	all := scripts()
	var args []string
	add := func(name, weight string) error {
		file := filepath.Join(dir, name+".sql")
		args = append(args, "-f", file+weight)
		return os.WriteFile(file, []byte(all[name].text(len(b.data.samples))), 0o600)
	}
	if w.name == "mix" {
		for _, m := range mixture {
			if err := add(m.name, "@"+strconv.Itoa(m.weight)); err != nil {
				return nil, err
			}
		}
		return args, nil
	}
	if _, there := all[w.name]; !there {
		return nil, nil
	}
	err := add(w.name, "")
	return args, err
}

var rateLine = regexp.MustCompile(`(?m)^tps = ([0-9.]+)`)

func readRate(out string) (float64, bool) {
	m := rateLine.FindStringSubmatch(out)
	if m == nil {
		return 0, false
	}
	rate, err := strconv.ParseFloat(m[1], 64)
	return rate, err == nil && rate > 0
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}
