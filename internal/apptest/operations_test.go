package apptest_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/rooftop-crm/rooftop/internal/apptest"
	"github.com/rooftop-crm/rooftop/internal/platform/auth"
)

// operation is a route as somebody who may calls it.
type operation struct {
	path, body string
	scope      auth.Scope   // what it needs, as docs/scopes.md tells; "" for whoever has a credential
	also       []auth.Scope // what has to be readable, or given on, besides
	ok         int
	item       int    // the status of each item, for a 207
	fresh      string // the name that is made anew for each call, since the call uses it up
	// but names callers that may not although they have the scope, and why.
	but map[string]string
}

const (
	wholeFeed = "the feed of changes needs leads:read for the whole account"
	siteJSON  = "a site key sends enquiries as JSON"
	oneForm   = `{"dealership_id":"{dealership}","contact":{"full_name":"{nonce}","emails":[{"address":"{nonce}@fr.example"}]}}`
)

var (
	readLeads  = []auth.Scope{auth.LeadsRead}
	notForSite = map[string]string{"site key": siteJSON}
	noPerson   = map[string]string{"site key": "is no person", "partner": "is no person"}
)

// operations says for every route that needs a credential what else it needs. A route that is not here is allowed to
// nobody: the test fails.
var operations = map[string]operation{
	"GET /v1/me":                               {path: "/v1/me", ok: 200},
	"GET /v1/enums":                            {path: "/v1/enums", ok: 200},
	"PUT /v1/me/password":                      {path: "/v1/me/password", body: `{"current_password":"x","new_password":"short"}`, ok: 422, but: map[string]string{"site key": "has none", "partner": "has none"}},
	"GET /v1/me/second-factor":                 {path: "/v1/me/second-factor", ok: 200, but: noPerson},
	"POST /v1/me/second-factor":                {path: "/v1/me/second-factor", body: `{"password":"a long enough password"}`, ok: 201, but: noPerson},
	"POST /v1/me/second-factor/confirm":        {path: "/v1/me/second-factor/confirm", body: `{"code":"none"}`, ok: 403, but: noPerson}, // begun just before
	"POST /v1/me/second-factor/disable":        {path: "/v1/me/second-factor/disable", body: `{"password":"a long enough password","code":"none"}`, ok: 409, but: noPerson},
	"POST /v1/me/second-factor/recovery-codes": {path: "/v1/me/second-factor/recovery-codes", body: `{"password":"a long enough password","code":"none"}`, ok: 409, but: noPerson},
	"GET /v1/sessions":                         {path: "/v1/sessions", ok: 200, but: noPerson},
	"DELETE /v1/sessions/:id":                  {path: "/v1/sessions/{fresh}", scope: auth.UsersWrite, ok: 204, fresh: "session"},

	"GET /v1/account":   {path: "/v1/account", scope: auth.AccountRead, ok: 200},
	"PATCH /v1/account": {path: "/v1/account", body: `{"language":"fr"}`, scope: auth.AccountWrite, ok: 200},

	"GET /v1/audit-log":     {path: "/v1/audit-log", scope: auth.AuditRead, ok: 200},
	"GET /v1/events":        {path: "/v1/events", scope: auth.EventsRead, ok: 200},
	"GET /v1/events/stream": {path: "/v1/events/stream?wait=0", scope: auth.EventsRead, ok: 200},
	"GET /v1/events/:id":    {path: "/v1/events/{event}", scope: auth.EventsRead, also: []auth.Scope{auth.AccountRead}, ok: 200},

	"POST /v1/webhook-endpoints":                   {path: "/v1/webhook-endpoints", body: `{"url":"https://hooks.example/{nonce}","enabled":false}`, scope: auth.WebhooksWrite, ok: 201},
	"GET /v1/webhook-endpoints":                    {path: "/v1/webhook-endpoints", scope: auth.WebhooksRead, ok: 200},
	"GET /v1/webhook-endpoints/changes":            {path: "/v1/webhook-endpoints/changes", scope: auth.WebhooksRead, ok: 200},
	"GET /v1/webhook-endpoints/:id":                {path: "/v1/webhook-endpoints/{webhook}", scope: auth.WebhooksRead, ok: 200},
	"PATCH /v1/webhook-endpoints/:id":              {path: "/v1/webhook-endpoints/{fresh}", body: `{"description":"{nonce}"}`, scope: auth.WebhooksWrite, also: auth.AllScopes().List(), ok: 200, fresh: "webhook"},
	"DELETE /v1/webhook-endpoints/:id":             {path: "/v1/webhook-endpoints/{fresh}", scope: auth.WebhooksWrite, ok: 204, fresh: "webhook"},
	"POST /v1/webhook-endpoints/:id/restore":       {path: "/v1/webhook-endpoints/{fresh}/restore", scope: auth.WebhooksWrite, also: auth.AllScopes().List(), ok: 200, fresh: "gone_webhook"},
	"POST /v1/webhook-endpoints/:id/rotate-secret": {path: "/v1/webhook-endpoints/{fresh}/rotate-secret", body: `{}`, scope: auth.WebhooksWrite, also: auth.AllScopes().List(), ok: 200, fresh: "webhook"},
	"POST /v1/webhook-endpoints/:id/test":          {path: "/v1/webhook-endpoints/{fresh}/test", scope: auth.WebhooksWrite, ok: 409, fresh: "webhook"},
	"POST /v1/webhook-endpoints/:id/replay":        {path: "/v1/webhook-endpoints/{fresh}/replay", body: `{"since":"2026-01-01T00:00:00Z"}`, scope: auth.WebhooksWrite, ok: 409, fresh: "webhook"},
	"GET /v1/webhook-deliveries":                   {path: "/v1/webhook-deliveries", scope: auth.WebhooksRead, ok: 200},
	"GET /v1/webhook-deliveries/:id":               {path: "/v1/webhook-deliveries/{delivery}", scope: auth.WebhooksRead, ok: 200},
	"POST /v1/webhook-deliveries/:id/replay":       {path: "/v1/webhook-deliveries/{delivery}/replay", scope: auth.WebhooksWrite, ok: 409},
	"POST /v1/files":                               {path: "/v1/files?name={nonce}.json", body: `{"nonce":"{nonce}"}`, scope: auth.FilesWrite, ok: 201},
	"GET /v1/files":                                {path: "/v1/files", scope: auth.FilesRead, ok: 200},
	"GET /v1/files/changes":                        {path: "/v1/files/changes", scope: auth.FilesRead, ok: 200},
	"GET /v1/files/:id":                            {path: "/v1/files/{file}", scope: auth.FilesRead, ok: 200},
	"GET /v1/files/:id/content":                    {path: "/v1/files/{file}/content", scope: auth.FilesRead, ok: 200},
	"DELETE /v1/files/:id":                         {path: "/v1/files/{fresh}", scope: auth.FilesWrite, ok: 204, fresh: "file"},
	"POST /v1/files/:id/links":                     {path: "/v1/files/{file}/links", body: `{}`, scope: auth.FilesWrite, ok: 201},
	"GET /v1/files/:id/links":                      {path: "/v1/files/{file}/links", scope: auth.FilesRead, ok: 200},
	"DELETE /v1/file-links/:id":                    {path: "/v1/file-links/{fresh}", scope: auth.FilesWrite, ok: 204, fresh: "file_link"},

	"POST /v1/dealerships":                            {path: "/v1/dealerships", body: `{"name":"{nonce}"}`, scope: auth.DealershipsWrite, ok: 201},
	"GET /v1/dealerships":                             {path: "/v1/dealerships", scope: auth.DealershipsRead, ok: 200},
	"GET /v1/dealerships/changes":                     {path: "/v1/dealerships/changes", scope: auth.DealershipsRead, ok: 200},
	"GET /v1/dealerships/by-ref/:source/:external_id": {path: "/v1/dealerships/by-ref/dms/{dealership_ref}", scope: auth.DealershipsRead, ok: 200},
	"PUT /v1/dealerships/by-ref/:source/:external_id": {path: "/v1/dealerships/by-ref/dms/{nonce}", body: `{"name":"{nonce}"}`, scope: auth.DealershipsWrite, ok: 201},
	"GET /v1/dealerships/:id":                         {path: "/v1/dealerships/{dealership}", scope: auth.DealershipsRead, ok: 200},
	"PATCH /v1/dealerships/:id":                       {path: "/v1/dealerships/{dealership}", body: `{"legal_name":"{nonce}"}`, scope: auth.DealershipsWrite, also: []auth.Scope{auth.DealershipsRead}, ok: 200},
	"DELETE /v1/dealerships/:id":                      {path: "/v1/dealerships/{fresh}", scope: auth.DealershipsWrite, ok: 204, fresh: "dealership"},
	"POST /v1/dealerships/:id/restore":                {path: "/v1/dealerships/{gone_dealership}/restore", scope: auth.DealershipsWrite, ok: 200},

	"POST /v1/users":                         {path: "/v1/users", body: `{"email":"{nonce}@fr.example","password":"a long enough password"}`, scope: auth.UsersWrite, ok: 201},
	"GET /v1/users":                          {path: "/v1/users", scope: auth.UsersRead, ok: 200},
	"GET /v1/users/changes":                  {path: "/v1/users/changes", scope: auth.UsersRead, ok: 200},
	"GET /v1/users/:id":                      {path: "/v1/users/{user}", scope: auth.UsersRead, ok: 200},
	"PATCH /v1/users/:id":                    {path: "/v1/users/{fresh}", body: `{"first_name":"{nonce}"}`, scope: auth.UsersWrite, ok: 200, fresh: "user"},
	"DELETE /v1/users/:id":                   {path: "/v1/users/{fresh}", scope: auth.UsersWrite, ok: 204, fresh: "user"},
	"POST /v1/users/:id/invite":              {path: "/v1/users/{fresh}/invite", scope: auth.UsersWrite, ok: 409, fresh: "user"}, // has a password
	"POST /v1/users/:id/revoke-invitation":   {path: "/v1/users/{fresh}/revoke-invitation", scope: auth.UsersWrite, ok: 200, fresh: "user"},
	"POST /v1/users/:id/deactivate":          {path: "/v1/users/{fresh}/deactivate", body: `{"hand_over_to":null}`, scope: auth.UsersWrite, ok: 200, fresh: "user"},
	"POST /v1/users/:id/reactivate":          {path: "/v1/users/{fresh}/reactivate", scope: auth.UsersWrite, ok: 200, fresh: "user"},
	"POST /v1/users/:id/end-sessions":        {path: "/v1/users/{fresh}/end-sessions", scope: auth.UsersWrite, ok: 204, fresh: "user"},
	"POST /v1/users/:id/reset-second-factor": {path: "/v1/users/{fresh}/reset-second-factor", scope: auth.UsersWrite, ok: 409, fresh: "user"}, // has none
	"POST /v1/users/:id/restore":             {path: "/v1/users/{gone_user}/restore", scope: auth.UsersWrite, ok: 200},

	"POST /v1/api-keys":                     {path: "/v1/api-keys", body: `{"kind":"api_key","name":"{nonce}","scopes":["keys:write"]}`, scope: auth.KeysWrite, ok: 201},
	"GET /v1/api-keys":                      {path: "/v1/api-keys", scope: auth.KeysRead, ok: 200},
	"GET /v1/api-keys/changes":              {path: "/v1/api-keys/changes", scope: auth.KeysRead, ok: 200},
	"GET /v1/api-keys/:id":                  {path: "/v1/api-keys/{key}", scope: auth.KeysRead, ok: 200},
	"PATCH /v1/api-keys/:id":                {path: "/v1/api-keys/{fresh}", body: `{"name":"{nonce}"}`, scope: auth.KeysWrite, ok: 200, fresh: "key"},
	"DELETE /v1/api-keys/:id":               {path: "/v1/api-keys/{fresh}", scope: auth.KeysWrite, ok: 204, fresh: "key"},
	"POST /v1/api-keys/:id/rotate":          {path: "/v1/api-keys/{fresh}/rotate", scope: auth.KeysWrite, ok: 200, fresh: "key"},
	"POST /v1/api-keys/:id/finish-rotation": {path: "/v1/api-keys/{fresh}/finish-rotation", scope: auth.KeysWrite, ok: 200, fresh: "rotating"},

	"POST /v1/grants":        {path: "/v1/grants", body: `{"partner_code":"{partner_code}","dealership_id":"{dealership}","dealer_code":"{nonce}","scopes":["leads:create"]}`, scope: auth.GrantsWrite, also: []auth.Scope{auth.LeadsCreate}, ok: 201},
	"GET /v1/grants":         {path: "/v1/grants", scope: auth.GrantsRead, ok: 200},
	"GET /v1/grants/changes": {path: "/v1/grants/changes", scope: auth.GrantsRead, ok: 200},
	"GET /v1/grants/:id":     {path: "/v1/grants/{grant}", scope: auth.GrantsRead, ok: 200},
	"DELETE /v1/grants/:id":  {path: "/v1/grants/{fresh}", scope: auth.GrantsWrite, ok: 204, fresh: "grant"},

	"GET /v1/dealerships/:id/calendar": {path: "/v1/dealerships/{dealership}/calendar?from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/users/:id/calendar":       {path: "/v1/users/{seller}/calendar?dealership_id={dealership}&from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/staff":                    {path: "/v1/staff?dealership_id={dealership}", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/holidays":                 {path: "/v1/holidays?country=FR&year=2026", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/vin/:vin":                 {path: "/v1/vin/VF3VBBHXHGZ041335", scope: auth.VehiclesRead, ok: 200},

	"POST /v1/opening-hours":             {path: "/v1/opening-hours", body: `{"dealership_id":"{fresh}"}`, scope: auth.CalendarsWrite, ok: 201, fresh: "dealership"},
	"GET /v1/opening-hours":              {path: "/v1/opening-hours", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/opening-hours/changes":      {path: "/v1/opening-hours/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/opening-hours/:id":          {path: "/v1/opening-hours/{hours}", scope: auth.CalendarsRead, ok: 200},
	"PATCH /v1/opening-hours/:id":        {path: "/v1/opening-hours/{fresh}", body: `{"week":[]}`, scope: auth.CalendarsWrite, ok: 200, fresh: "hours"},
	"DELETE /v1/opening-hours/:id":       {path: "/v1/opening-hours/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "hours"},
	"POST /v1/opening-hours/:id/restore": {path: "/v1/opening-hours/{gone_hours}/restore", scope: auth.CalendarsWrite, ok: 200},

	"POST /v1/closures":             {path: "/v1/closures", body: `{"dealership_id":"{dealership}","starts":"2026-12-07T12:00","ends":"2026-12-07T14:00"}`, scope: auth.CalendarsWrite, ok: 201},
	"GET /v1/closures":              {path: "/v1/closures", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/closures/changes":      {path: "/v1/closures/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/closures/:id":          {path: "/v1/closures/{closure}", scope: auth.CalendarsRead, ok: 200},
	"PATCH /v1/closures/:id":        {path: "/v1/closures/{fresh}", body: `{"label":"{nonce}"}`, scope: auth.CalendarsWrite, ok: 200, fresh: "closure"},
	"DELETE /v1/closures/:id":       {path: "/v1/closures/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "closure"},
	"POST /v1/closures/:id/restore": {path: "/v1/closures/{gone_closure}/restore", scope: auth.CalendarsWrite, ok: 200},

	"POST /v1/shifts":             {path: "/v1/shifts", body: `{"user_id":"{fresh}","dealership_id":"{dealership}","day":"monday","from":"09:00","to":"12:00"}`, scope: auth.CalendarsWrite, ok: 201, fresh: "user"},
	"GET /v1/shifts":              {path: "/v1/shifts", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/shifts/changes":      {path: "/v1/shifts/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/shifts/:id":          {path: "/v1/shifts/{shift}", scope: auth.CalendarsRead, ok: 200},
	"PATCH /v1/shifts/:id":        {path: "/v1/shifts/{fresh}", body: `{"to":"13:00"}`, scope: auth.CalendarsWrite, ok: 200, fresh: "shift"},
	"DELETE /v1/shifts/:id":       {path: "/v1/shifts/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "shift"},
	"POST /v1/shifts/:id/restore": {path: "/v1/shifts/{gone_shift}/restore", scope: auth.CalendarsWrite, ok: 200},

	"POST /v1/absences":             {path: "/v1/absences", body: `{"user_id":"{fresh}","kind":"vacation","starts_at":"2027-01-04T08:00:00Z","ends_at":"2027-01-08T08:00:00Z"}`, scope: auth.CalendarsWrite, ok: 201, fresh: "user"},
	"GET /v1/absences":              {path: "/v1/absences", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/absences/changes":      {path: "/v1/absences/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/absences/:id":          {path: "/v1/absences/{absence}", scope: auth.CalendarsRead, ok: 200},
	"PATCH /v1/absences/:id":        {path: "/v1/absences/{fresh}", body: `{"kind":"training"}`, scope: auth.CalendarsWrite, ok: 200, fresh: "absence"},
	"DELETE /v1/absences/:id":       {path: "/v1/absences/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "absence"},
	"POST /v1/absences/:id/restore": {path: "/v1/absences/{gone_absence}/restore", scope: auth.CalendarsWrite, ok: 200},

	"POST /v1/external-calendars":             {path: "/v1/external-calendars", body: `{"user_id":"{fresh}","url":"https://calendar.example/{nonce}.ics","paused":true}`, scope: auth.CalendarsWrite, ok: 201, fresh: "user"},
	"GET /v1/external-calendars":              {path: "/v1/external-calendars", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/external-calendars/changes":      {path: "/v1/external-calendars/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/external-calendars/:id":          {path: "/v1/external-calendars/{external}", scope: auth.CalendarsRead, ok: 200},
	"PATCH /v1/external-calendars/:id":        {path: "/v1/external-calendars/{fresh}", body: `{"name":"{nonce}"}`, scope: auth.CalendarsWrite, ok: 200, fresh: "external"},
	"DELETE /v1/external-calendars/:id":       {path: "/v1/external-calendars/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "external"},
	"POST /v1/external-calendars/:id/restore": {path: "/v1/external-calendars/{gone_external}/restore", scope: auth.CalendarsWrite, ok: 200},
	"POST /v1/external-calendars/:id/refresh": {path: "/v1/external-calendars/{fresh}/refresh", scope: auth.CalendarsWrite, ok: 409, fresh: "external"},

	"GET /v1/presence":         {path: "/v1/presence", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/presence/changes": {path: "/v1/presence/changes", scope: auth.CalendarsRead, ok: 200},
	"GET /v1/presence/:id":     {path: "/v1/presence/{seller}", scope: auth.CalendarsRead, ok: 200},
	"PUT /v1/presence/:id":     {path: "/v1/presence/{fresh}", body: `{"state":"in"}`, scope: auth.CalendarsWrite, ok: 201, fresh: "user"},
	"DELETE /v1/presence/:id":  {path: "/v1/presence/{fresh}", scope: auth.CalendarsWrite, ok: 204, fresh: "presence"},

	"GET /v1/jobs":             {path: "/v1/jobs", scope: auth.JobsRead, ok: 200},
	"GET /v1/jobs/changes":     {path: "/v1/jobs/changes", scope: auth.JobsRead, ok: 200},
	"GET /v1/jobs/:id":         {path: "/v1/jobs/{job}", scope: auth.JobsRead, ok: 200},
	"POST /v1/jobs/:id/cancel": {path: "/v1/jobs/{job}/cancel", scope: auth.JobsWrite, also: []auth.Scope{auth.ImportsWrite}, ok: 409},
	"POST /v1/jobs/:id/retry":  {path: "/v1/jobs/{job}/retry", scope: auth.JobsWrite, also: []auth.Scope{auth.ImportsWrite}, ok: 409},

	"GET /v1/import-kinds":        {path: "/v1/import-kinds", scope: auth.ImportsRead, ok: 200},
	"GET /v1/import-mappings":     {path: "/v1/import-mappings", scope: auth.ImportsRead, ok: 200},
	"POST /v1/imports":            {path: "/v1/imports", body: `{"kind":"contacts","text":"last_name\n{nonce}\n"}`, scope: auth.ImportsWrite, also: []auth.Scope{auth.ContactsWrite}, ok: 202},
	"POST /v1/imports/upload":     {path: "/v1/imports/upload", body: upload("contacts", "last_name\n{nonce}\n", ""), scope: auth.ImportsWrite, also: []auth.Scope{auth.ContactsWrite}, ok: 202},
	"POST /v1/imports/inspect":    {path: "/v1/imports/inspect", body: `{"kind":"contacts","text":"last_name\n{nonce}\n"}`, scope: auth.ImportsRead, ok: 200},
	"GET /v1/imports":             {path: "/v1/imports", scope: auth.ImportsRead, ok: 200},
	"GET /v1/imports/:id":         {path: "/v1/imports/{import}", scope: auth.ImportsRead, ok: 200},
	"GET /v1/imports/:id/rows":    {path: "/v1/imports/{import}/rows", scope: auth.ImportsRead, also: []auth.Scope{auth.ContactsRead}, ok: 200},
	"POST /v1/imports/:id/revert": {path: "/v1/imports/{fresh}/revert", scope: auth.ImportsWrite, also: []auth.Scope{auth.ContactsWrite}, ok: 202, fresh: "import"},
	"POST /v1/exports":            {path: "/v1/exports", body: `{"kind":"contacts"}`, scope: auth.ImportsWrite, also: []auth.Scope{auth.ContactsRead}, ok: 202},
	"POST /v1/files/fetch":        {path: "/v1/files/fetch", body: `{"url":"http://` + apptest.Unreachable + `/x.png"}`, scope: auth.FilesWrite, ok: 202},
	"GET /v1/imports/changes":     {path: "/v1/imports/changes", scope: auth.ImportsRead, ok: 200},
	"GET /v1/exports/changes":     {path: "/v1/exports/changes", scope: auth.ImportsRead, ok: 200},
	"GET /v1/exports":             {path: "/v1/exports", scope: auth.ImportsRead, ok: 200},
	"GET /v1/exports/:id":         {path: "/v1/exports/{export}", scope: auth.ImportsRead, ok: 200},
	"GET /v1/exports/:id/content": {path: "/v1/exports/{export}/content", scope: auth.ImportsRead, also: []auth.Scope{auth.ContactsRead}, ok: 200},

	"POST /v1/contacts":                            {path: "/v1/contacts", body: `{"full_name":"{nonce}"}`, scope: auth.ContactsWrite, ok: 201},
	"POST /v1/contacts/batch":                      {path: "/v1/contacts/batch", body: `{"items":[{"full_name":"{nonce}"}]}`, scope: auth.ContactsWrite, ok: 207, item: 201},
	"GET /v1/contacts":                             {path: "/v1/contacts", scope: auth.ContactsRead, ok: 200},
	"GET /v1/contacts/changes":                     {path: "/v1/contacts/changes", scope: auth.ContactsRead, ok: 200},
	"PUT /v1/contacts/by-ref/:source/:external_id": {path: "/v1/contacts/by-ref/crm/{nonce}", body: `{"full_name":"{nonce}"}`, scope: auth.ContactsWrite, ok: 201},
	"GET /v1/contacts/:id":                         {path: "/v1/contacts/{contact}", scope: auth.ContactsRead, ok: 200},
	"PATCH /v1/contacts/:id":                       {path: "/v1/contacts/{contact}", body: `{"company_name":"{nonce}"}`, scope: auth.ContactsWrite, ok: 200},
	"DELETE /v1/contacts/:id":                      {path: "/v1/contacts/{fresh}", scope: auth.ContactsWrite, ok: 204, fresh: "contact"},
	"POST /v1/contacts/:id/restore":                {path: "/v1/contacts/{gone_contact}/restore", scope: auth.ContactsWrite, ok: 200},

	"POST /v1/leads":                            {path: "/v1/leads", body: oneForm, scope: auth.LeadsCreate, ok: 201},
	"POST /v1/leads/batch":                      {path: "/v1/leads/batch", body: `{"items":[` + oneForm + `]}`, scope: auth.LeadsCreate, ok: 207, item: 201},
	"POST /v1/leads/adf":                        {path: "/v1/leads/adf?dealership_id={dealership}", body: document("{nonce}", "none", "adf-{nonce}"), scope: auth.LeadsCreate, ok: 201, but: notForSite},
	"POST /v1/leads/adf/validate":               {path: "/v1/leads/adf/validate", body: document("{nonce}", "none", "adf-{nonce}"), scope: auth.LeadsCreate, ok: 200, but: notForSite},
	"PUT /v1/leads/by-ref/:source/:external_id": {path: "/v1/leads/by-ref/crm/{nonce}", body: oneForm, scope: auth.LeadsCreate, ok: 201},
	"GET /v1/leads":                             {path: "/v1/leads", scope: auth.LeadsRead, ok: 200},
	"GET /v1/leads/changes":                     {path: "/v1/leads/changes", scope: auth.LeadsRead, ok: 200, but: map[string]string{"salesperson": wholeFeed, "partner": wholeFeed}},
	"GET /v1/leads/:id":                         {path: "/v1/leads/{lead}", scope: auth.LeadsRead, ok: 200},
	"GET /v1/leads/:id/history":                 {path: "/v1/leads/{lead}/history", scope: auth.LeadsRead, ok: 200},
	"PATCH /v1/leads/:id":                       {path: "/v1/leads/{lead}", body: `{"comments":"{nonce}"}`, scope: auth.LeadsWrite, also: readLeads, ok: 200},
	"DELETE /v1/leads/:id":                      {path: "/v1/leads/{fresh}", scope: auth.LeadsWrite, also: readLeads, ok: 204, fresh: "lead"},
	"POST /v1/leads/:id/restore":                {path: "/v1/leads/{gone_lead}/restore", scope: auth.LeadsWrite, also: readLeads, ok: 200},
	"POST /v1/leads/:id/status":                 {path: "/v1/leads/{fresh}/status", body: `{"status":"in_contact"}`, scope: auth.LeadsWrite, also: readLeads, ok: 200, fresh: "lead"},
	"POST /v1/leads/:id/assign":                 {path: "/v1/leads/{fresh}/assign", body: `{"assignee_id":"{user}"}`, scope: auth.LeadsWrite, also: readLeads, ok: 200, fresh: "lead"},
	"POST /v1/leads/:id/viewed":                 {path: "/v1/leads/{fresh}/viewed", scope: auth.LeadsWrite, also: readLeads, ok: 200, fresh: "lead"},

	"GET /v1/inbox":             {path: "/v1/inbox", scope: auth.InboxRead, ok: 200},
	"GET /v1/inbox/changes":     {path: "/v1/inbox/changes", scope: auth.InboxRead, ok: 200},
	"GET /v1/inbox/:id":         {path: "/v1/inbox/{inbox}", scope: auth.InboxRead, ok: 200},
	"GET /v1/inbox/:id/raw":     {path: "/v1/inbox/{inbox}/raw", scope: auth.InboxRead, ok: 200},
	"POST /v1/inbox/:id/replay": {path: "/v1/inbox/{fresh}/replay", body: document("{nonce}", "none", "adf-{nonce}"), scope: auth.InboxWrite, also: []auth.Scope{auth.InboxRead}, ok: 201, fresh: "quarantined"},

	"GET /v1/message-kinds":              {path: "/v1/message-kinds", scope: auth.AccountRead, ok: 200},
	"POST /v1/message-templates":         {path: "/v1/message-templates", body: `{"name":"export.ready","language":"nl","subject":"S","text":"T"}`, scope: auth.AccountWrite, ok: 201},
	"GET /v1/message-templates":          {path: "/v1/message-templates", scope: auth.AccountRead, ok: 200},
	"GET /v1/message-templates/changes":  {path: "/v1/message-templates/changes", scope: auth.AccountRead, ok: 200},
	"POST /v1/message-templates/preview": {path: "/v1/message-templates/preview", body: `{"name":"export.ready"}`, scope: auth.AccountRead, ok: 200},
	"POST /v1/message-templates/test":    {path: "/v1/message-templates/test", body: `{"name":"export.ready","user_id":"{user}"}`, scope: auth.AccountWrite, ok: 201},
	"GET /v1/message-templates/:id":      {path: "/v1/message-templates/{template}", scope: auth.AccountRead, ok: 200},
	"PATCH /v1/message-templates/:id":    {path: "/v1/message-templates/{template}", body: `{"subject":"{nonce}"}`, scope: auth.AccountWrite, ok: 200},
	"DELETE /v1/message-templates/:id":   {path: "/v1/message-templates/{fresh}", scope: auth.AccountWrite, ok: 204, fresh: "template"},
	"GET /v1/mails":                      {path: "/v1/mails", scope: auth.MessagesRead, ok: 200},
	"GET /v1/mails/changes":              {path: "/v1/mails/changes", scope: auth.MessagesRead, ok: 200},
	"GET /v1/mails/:id":                  {path: "/v1/mails/{mail}", scope: auth.MessagesRead, ok: 200},
	"POST /v1/mails/:id/resend":          {path: "/v1/mails/{mail}/resend", scope: auth.MessagesWrite, ok: 409}, // it has arrived
	"POST /v1/mail-addresses":            {path: "/v1/mail-addresses", body: `{"label":"{nonce}"}`, scope: auth.AccountWrite, ok: 201},
	"GET /v1/mail-addresses":             {path: "/v1/mail-addresses", scope: auth.AccountRead, ok: 200},
	"GET /v1/mail-addresses/changes":     {path: "/v1/mail-addresses/changes", scope: auth.AccountRead, ok: 200},
	"GET /v1/mail-addresses/:id":         {path: "/v1/mail-addresses/{address}", scope: auth.AccountRead, ok: 200},
	"PATCH /v1/mail-addresses/:id":       {path: "/v1/mail-addresses/{address}", body: `{"source":"{nonce}"}`, scope: auth.AccountWrite, ok: 200},
	"DELETE /v1/mail-addresses/:id":      {path: "/v1/mail-addresses/{fresh}", scope: auth.AccountWrite, ok: 204, fresh: "address"},
	"GET /v1/inbound-messages":           {path: "/v1/inbound-messages", scope: auth.MessagesRead, ok: 200},
	"GET /v1/inbound-messages/changes":   {path: "/v1/inbound-messages/changes", scope: auth.MessagesRead, ok: 200},
	"GET /v1/inbound-messages/:id":       {path: "/v1/inbound-messages/{inbound}", scope: auth.MessagesRead, ok: 200},
	"GET /v1/inbound-messages/:id/raw":   {path: "/v1/inbound-messages/{inbound}/raw", scope: auth.MessagesRead, ok: 200},
}

// upload is a form with a file.
func upload(kind, file, mapping string) string {
	const field = "--part\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n"
	body := fmt.Sprintf(field, "kind", kind)
	if mapping != "" {
		body += fmt.Sprintf(field, "mapping_name", mapping)
	}
	return body + "--part\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.csv\"\r\n\r\n" + file + "\r\n--part--\r\n"
}

// make makes one more of what an operation uses up, and returns its id.
func (a *tenant) make(t testing.TB, what string) string {
	t.Helper()
	nonce := "n" + strings.ReplaceAll(uuid.NewString(), "-", "")
	post := func(path string, body object) string {
		return a.For(t).Post(path, body).Is(http.StatusCreated).Str("id")
	}
	switch what {
	case "dealership":
		return post("/v1/dealerships", object{"name": nonce})
	case "session":
		form := url.Values{"grant_type": {"password"}, "username": {a.AdminEmail}, "password": {apptest.Password}}.Encode()
		anyone := a.For(t)
		anyone.Credential = ""
		anyone.Send(http.MethodPost, "/v1/oauth/token", []byte(form), "Content-Type", "application/x-www-form-urlencoded").Is(http.StatusOK)
		return a.For(t).Get("/v1/sessions?limit=1").Is(http.StatusOK).Str("data.0.id")
	case "user":
		return post("/v1/users", object{"email": nonce + "@fr.example", "password": "a long enough password"})
	case "hours":
		return post("/v1/opening-hours", object{"dealership_id": a.make(t, "dealership"), "week": []any{object{"day": "monday", "from": "09:00", "to": "12:00"}}})
	case "closure":
		return post("/v1/closures", object{"dealership_id": a.names["dealership"], "starts": "2027-12-07T12:00", "ends": "2027-12-07T14:00"})
	case "shift":
		return post("/v1/shifts", object{"user_id": a.make(t, "user"), "dealership_id": a.names["dealership"], "day": "monday", "from": "09:00", "to": "12:00"})
	case "absence":
		return post("/v1/absences", object{"user_id": a.make(t, "user"), "kind": "sick", "starts_at": "2027-01-04T08:00:00Z", "ends_at": "2027-01-08T08:00:00Z"})
	case "external": // paused, so that nothing is fetched
		return post("/v1/external-calendars", object{"user_id": a.make(t, "user"), "url": "https://calendar.example/" + nonce, "paused": true})
	case "presence":
		user := a.make(t, "user")
		a.For(t).JSON(http.MethodPut, "/v1/presence/"+user, object{"state": "away"}).Is(http.StatusCreated)
		return user
	case "import":
		made := a.For(t).Post("/v1/imports", object{"kind": "contacts", "text": "last_name\n" + nonce + "\n"})
		followed(t, a.For(t), made)
		return made.Str("id")
	case "file":
		return a.For(t).Post("/v1/files?name="+nonce+".json", object{"nonce": nonce}).Is(http.StatusCreated).Str("id")
	case "file_link":
		return post("/v1/files/"+a.names["file"]+"/links", object{})
	case "contact":
		return post("/v1/contacts", object{"full_name": nonce})
	case "lead":
		return post("/v1/leads", object{"dealership_id": a.names["dealership"], "contact": object{"full_name": nonce}})
	case "webhook": // disabled, so that nothing is sent
		return post("/v1/webhook-endpoints", object{"url": "https://hooks.example/" + nonce, "enabled": false})
	case "gone_webhook":
		id := a.make(t, "webhook")
		a.For(t).JSON(http.MethodDelete, "/v1/webhook-endpoints/"+id, nil).Is(http.StatusNoContent)
		return id
	case "grant":
		return post("/v1/grants", object{
			"partner_code": a.partner.Code, "dealership_id": a.names["dealership"], "dealer_code": nonce, "scopes": []any{"leads:create"},
		})
	case "key":
		return post("/v1/api-keys", object{"kind": "api_key", "name": nonce, "scopes": []any{"keys:write"}})
	case "template":
		return post("/v1/message-templates", object{"name": "export.ready", "language": "fr-x-" + nonce[1:9], "subject": "S", "text": "T"})
	case "address":
		return post("/v1/mail-addresses", object{"label": nonce})
	case "rotating":
		id := a.make(t, "key")
		a.For(t).Post("/v1/api-keys/"+id+"/rotate", nil).Is(http.StatusOK)
		return id
	case "quarantined":
		doc := document(nonce, "none", nonce)
		return a.send(t, a.Caller, http.MethodPost, "/v1/leads/adf", doc[:len(doc)-40]).Is(http.StatusAccepted).Str("inbox_id")
	}
	require.Fail(t, "nobody knows how to make one", what)
	return ""
}
