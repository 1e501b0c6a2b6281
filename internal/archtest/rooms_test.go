package archtest

const module = "github.com/rooftop-crm/rooftop"

// room is one row of the table of who may import whom.
type room struct {
	// path is relative to the module; "x/..." means x and all below it. The first row that fits a package counts.
	path string
	// rooms are what it may import of ours, besides packages below itself.
	rooms []string
	// libraries are the modules and packages it may import of others, besides the standard library.
	libraries []string
}

// Shorthands for rows that repeat.
var (
	contexts  = []string{"internal/core", "internal/calendars", "internal/contacts", "internal/leads", "internal/events", "internal/messages", "internal/imports", "internal/files", "internal/vehicles"}
	platform  = []string{"internal/platform/...", "internal/kernel", "pkg/..."}
	forDomain = []string{"github.com/google/uuid"} // what a typed id is made of
	forStores = []string{"gorm.io/gorm", "github.com/jackc/pgx/v5", "github.com/google/uuid", "github.com/goccy/go-json"}
	forRoutes = []string{"github.com/labstack/echo/v4", "github.com/google/uuid", "github.com/goccy/go-json"}
)

var rooms = []room{
	{path: "."}, // the embedded document
	{path: "docs", libraries: []string{"github.com/swaggo/swag"}},
	{path: "cmd/...", rooms: with(platform, "internal/app"), libraries: []string{"github.com/spf13/cobra"}},

	{path: "api/httpx", rooms: platform, libraries: with(forRoutes, "github.com/go-playground/validator/v10")},
	{path: "api/docsapi", rooms: []string{".", "api/httpx"}, libraries: with(forRoutes, "github.com/swaggo/files/v2")},
	// A lead with include=contact shows the contact as contacts do.
	{path: "api/leadsapi", rooms: with(with(platform, contexts...), "api/httpx", "api/contactsapi"), libraries: forRoutes},
	{path: "api/...", rooms: with(with(platform, contexts...), "api/httpx"), libraries: forRoutes},

	{path: "internal/app", rooms: []string{".", "api/...", "internal/...", "pkg/..."}, libraries: []string{"github.com/labstack/echo/v4", "github.com/google/uuid", "golang.org/x/sync"}},
	{path: "internal/seed", rooms: with(platform, contexts...), libraries: forDomain},
	{path: "internal/bench/...", rooms: []string{".", "api/...", "internal/...", "pkg/..."}, libraries: forStores},
	{path: "internal/apptest", rooms: []string{".", "api/...", "internal/...", "pkg/..."}, libraries: []string{"*"}},
	{path: "internal/intaketest", rooms: []string{".", "api/...", "internal/...", "pkg/..."}, libraries: []string{"*"}},
	{path: "internal/crashtest", rooms: []string{".", "api/...", "internal/...", "pkg/..."}, libraries: []string{"*"}},
	{path: "internal/archtest"},
	{path: "internal/openapi/generate", rooms: []string{"internal/events"}, libraries: []string{"github.com/swaggo/swag", "github.com/getkin/kin-openapi", "go.yaml.in/yaml/v3"}},
	{path: "internal/openapi", rooms: []string{"."}, libraries: []string{"github.com/santhosh-tekuri/jsonschema/v6"}},

	{path: "internal/core", rooms: platform, libraries: forDomain},
	{path: "internal/core/coredb", rooms: with(platform, "internal/core"), libraries: forStores},
	{path: "internal/calendars", rooms: platform, libraries: forDomain},
	{path: "internal/calendars/calendarsdb", rooms: with(platform, "internal/calendars"), libraries: forStores},
	{path: "internal/contacts", rooms: platform, libraries: forDomain},
	{path: "internal/contacts/contactsdb", rooms: with(platform, "internal/contacts"), libraries: forStores},
	{path: "internal/events", rooms: platform, libraries: forDomain},
	{path: "internal/events/eventsdb", rooms: with(platform, "internal/events"), libraries: forStores},
	{path: "internal/leads", rooms: platform, libraries: forDomain},
	{path: "internal/leads/leadsdb", rooms: with(platform, "internal/leads"), libraries: forStores},
	{path: "internal/messages", rooms: platform, libraries: forDomain},
	{path: "internal/messages/messagesdb", rooms: with(platform, "internal/messages"), libraries: forStores},

	{path: "internal/vehicles", rooms: platform, libraries: forDomain},
	{path: "internal/imports", rooms: platform, libraries: with(forDomain, "golang.org/x/text")},
	{path: "internal/imports/importsdb", rooms: with(platform, "internal/imports"), libraries: forStores},
	{path: "internal/files", rooms: platform, libraries: forDomain},
	{path: "internal/files/filesdb", rooms: with(platform, "internal/files"), libraries: forStores},

	{path: "internal/kernel", libraries: forDomain},
	{path: "internal/platform/audit", rooms: platform, libraries: with(forDomain, "gorm.io/gorm", "github.com/jackc/pgx/v5")},
	{path: "internal/platform/auth", rooms: platform, libraries: with(forDomain, "github.com/golang-jwt/jwt/v5", "golang.org/x/crypto", "golang.org/x/text")},
	{path: "internal/platform/background", rooms: platform, libraries: with(forDomain, "github.com/jackc/pgx/v5")},
	{path: "internal/platform/blob/...", rooms: platform, libraries: with(forDomain, "gocloud.dev", "github.com/gabriel-vasile/mimetype")},
	{path: "internal/platform/db", rooms: platform, libraries: with(forDomain, "gorm.io/gorm", "gorm.io/driver/postgres", "github.com/jackc/pgx/v5")},
	{path: "internal/platform/dbtest", rooms: platform, libraries: []string{"*"}},          // tests only
	{path: "internal/platform/fetch/fetchtest", rooms: platform, libraries: []string{"*"}}, // tests only
	{path: "internal/platform/fold", rooms: platform, libraries: []string{"golang.org/x/text", "golang.org/x/net/idna"}},
	{path: "internal/platform/ical", rooms: platform, libraries: []string{"github.com/teambition/rrule-go"}},
	{path: "internal/platform/idem", rooms: platform, libraries: with(forDomain, "github.com/jackc/pgx/v5")},
	{path: "internal/platform/jobs", rooms: platform, libraries: with(forDomain, "github.com/riverqueue/river", "github.com/jackc/pgx/v5")},
	{path: "internal/platform/keyset", rooms: platform, libraries: with(forDomain, "gorm.io/gorm")},
	{path: "internal/platform/links", rooms: platform, libraries: with(forDomain, "gorm.io/gorm")},
	{path: "internal/platform/locale", rooms: platform, libraries: []string{"golang.org/x/text"}},
	{path: "internal/platform/longjobs", rooms: platform, libraries: with(forDomain, "gorm.io/gorm")},
	{path: "internal/platform/mail/mailtest", rooms: platform, libraries: []string{"*"}}, // tests only
	{path: "internal/platform/mail", rooms: platform, libraries: with(
		forDomain, "github.com/wneessen/go-mail", "github.com/emersion", "github.com/jhillyerd/enmime/v2", "blitiri.com.ar/go/spf", "golang.org/x/net",
	)},
	{path: "internal/platform/migrate", rooms: platform, libraries: []string{"github.com/pressly/goose/v3", "github.com/riverqueue/river", "github.com/jackc/pgx/v5"}},
	{path: "internal/platform/outbox", rooms: platform, libraries: with(forDomain, "github.com/jackc/pgx/v5")},
	{path: "internal/platform/pgcluster", rooms: platform, libraries: []string{"github.com/fergusstrange/embedded-postgres", "github.com/jackc/pgx/v5", "github.com/xi2/xz"}},
	{path: "internal/platform/ratelimit", rooms: platform, libraries: with(forDomain, "github.com/jackc/pgx/v5")},
	{path: "internal/platform/schema", rooms: platform, libraries: []string{"github.com/santhosh-tekuri/jsonschema/v6"}},
	{path: "internal/platform/telemetry", rooms: platform, libraries: []string{"github.com/prometheus/client_golang", "go.opentelemetry.io/otel"}},
	{path: "internal/platform/...", rooms: platform, libraries: forDomain}, // auth's neighbours that need nothing: errs, page, clock, secret …

	{path: "pkg/phone", rooms: []string{"pkg/..."}, libraries: []string{"golang.org/x", "github.com/nyaruka/phonenumbers"}},
	{path: "pkg/...", rooms: []string{"pkg/..."}, libraries: []string{"golang.org/x"}},
}

// testsOnly may be imported by tests and by each other, never by the program.
var testsOnly = []string{"internal/platform/dbtest", "internal/platform/fetch/fetchtest", "internal/platform/mail/mailtest", "internal/apptest"}

// owners says which room's SQL may name a table. Other rooms read through views and functions that migrations define.
var owners = map[string][]string{
	"internal/core/coredb": {
		"accounts", "logins", "login_throttles", "partners", "credentials", "grants", "signing_keys", "refresh_tokens", "revoked_tokens",
		"password_reset_requests",
		"dealerships", "dealership_codes", "dealership_refs", "users", "api_keys", "sessions", "second_factors", "recovery_codes",
	},
	"internal/events/eventsdb": {
		"webhook_endpoints", "webhook_secrets", "webhook_deliveries", "webhook_attempts", "webhook_lanes", "webhook_positions",
	},
	"internal/calendars/calendarsdb": {"opening_hours", "closures", "shifts", "absences", "presences", "external_calendars", "external_busy_times"},
	"internal/contacts/contactsdb":   {"contacts", "contact_points", "contact_refs"},
	"internal/leads/leadsdb":         {"leads", "lead_refs", "lead_history", "partner_leads", "inbox", "inbox_parts", "partner_inbox"},
	"internal/messages/messagesdb":   {"message_templates", "mails", "mail_addresses", "mail_routes", "inbound_messages", "inbound_message_parts"},
	"internal/platform/outbox":       {"events", "event_heads"},
	"internal/platform/audit":        {"audit_log"},
	"internal/platform/idem":         {"idempotency_keys"},
	"internal/platform/background":   {"due_work"},
	"internal/platform/links":        {"secret_links"},
	"internal/platform/ratelimit":    {"rate_windows"},
	"internal/platform/jobs":         {"river_job", "river_leader", "river_queue", "river_notification"},
	"internal/platform/migrate":      {"installation", "river_migration"},
	"internal/platform/longjobs":     {"jobs"},
	"internal/imports/importsdb":     {"imports", "import_parts", "import_rows", "import_mappings", "exports", "export_parts"},
	"internal/files/filesdb":         {"files", "file_uses"},
}

// anySQL may name every table: the bench compares our statements with bare ones.
var anySQL = []string{"internal/bench/..."}

// controlPlane are the tables without row security: they are read before a tenant is known.
var controlPlane = []string{
	"accounts", "logins", "login_throttles", "partners", "credentials", "grants", "signing_keys", "refresh_tokens", "revoked_tokens",
	"password_reset_requests", "rate_windows", "due_work", "mail_routes", "secret_links", "installation", "goose_db_version",
	"river_job", "river_leader", "river_queue", "river_notification", "river_migration",
}

// broughtAlong are the tables that River's own migrations make.
var broughtAlong = []string{"river_job", "river_leader", "river_queue", "river_notification", "river_migration"}

// partnerTables belong to a partner rather than an account; their rows are kept apart by partner_id in the same way.
var partnerTables = []string{"partner_inbox"}

// crossAccount are the indexes of tenant tables that do not begin with account_id, and what reads them.
var crossAccount = map[string]string{
	"events_unnumbered_idx":     "the sequencer numbers the events of every account",
	"partner_leads_created_idx": "a partner reads its own leads across accounts",
	"partner_leads_updated_idx": "a partner reads its own leads across accounts",
	"partner_leads_lead_idx":    "a partner reads its own leads across accounts",
}

// storeExceptions are the stores, or single methods of them, whose methods do not take a kernel.AccountID right after ctx,
// and what they take instead; "" means anything.
var storeExceptions = map[string]string{
	"messages.DirectoryStore":         "", // finds whose an address is before an account is known
	"events.LaneStore":                "", // finds work of every account
	"core.ControlStore":               "", // finds who is calling before an account is known
	"leads.PartnerStore":              "kernel.PartnerID",
	"leads.InboxStore.KeepUnrouted":   "kernel.PartnerID",
	"leads.InboxStore.SettleUnrouted": "kernel.PartnerID",
}

func with(list []string, more ...string) []string {
	return append(append([]string(nil), list...), more...)
}
