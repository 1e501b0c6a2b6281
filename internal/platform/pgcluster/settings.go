package pgcluster

import (
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

func freshName() string { return strings.ToLower(rand.Text()[:10]) }

// serverSettings are durable and modest. Statements and details stay out of the log: they hold personal data.
func serverSettings(overrides map[string]string, where address) map[string]string {
	all := map[string]string{
		"max_connections":         "200",
		"shared_buffers":          "128MB", // only the part in use takes memory
		"fsync":                   "on",
		"synchronous_commit":      "on",
		"full_page_writes":        "on",
		"password_encryption":     "scram-sha-256",
		"timezone":                "UTC",
		"log_timezone":            "UTC",
		"lc_messages":             "C", // failures to start are read from the log
		"logging_collector":       "off",
		"log_destination":         "stderr",
		"log_line_prefix":         "%m [%p] ",
		"log_error_verbosity":     "terse",
		"log_min_error_statement": "panic",
		"jit":                     "off", // costs more than it gives on short statements
		"cluster_name":            "rooftop",
	}
	maps.Copy(all, overrides)
	all["port"] = strconv.Itoa(where.Port)
	all["unix_socket_directories"] = where.SocketDir
	all["listen_addresses"] = ""
	if where.SocketDir == "" {
		all["listen_addresses"] = loopback
	}
	return all
}

// writeSettings makes the file the server is started with. It includes initdb's own; ALTER SYSTEM overrides it.
func (p place) writeSettings(overrides map[string]string, where address) error {
	var b strings.Builder
	b.WriteString("# Written anew at each start: change it by Config.Settings or ALTER SYSTEM.\n")
	b.WriteString("include 'pgdata/postgresql.conf'\n")
	settings := serverSettings(overrides, where)
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(settings[name], "'", "''"))
	}
	return p.replace(p.settingsFile(), []byte(b.String()), 0o644)
}

func (p place) settingsFile() string { return p.file("postgresql.conf") }
