package apptest_test

// attack is one calling of a route with what belongs to another account. It is sent three times: by an administrator of
// an account that has nothing to do with it, by that administrator with random values in place of the other account's
// (both must be answered alike), and by two partners: one that another partner's lead is none of its business, and one
// whose grant was revoked.
type attack struct {
	what    string // which of the other account's things is sent, and where
	path    string // {name} is the other account's, {own.name} the caller's
	body    string
	headers []string
	want    int // for the administrator
	partner int // for partners; 0 means 403: a scope that no partner has
	// items and partnerItems are the statuses inside a 207.
	items, partnerItems []int
	// random is the status for random values where it differs: a name that is unique over the installation.
	random int
}

const (
	someone = `"contact":{"full_name":"Nomen Nescio"}`
	elsend  = `"dealership_id":"{own.dealership}",`
)

// publicRoutes need no credential, and so have nothing to steal by one: why, and what they are called with.
var publicRoutes = map[string][]attack{
	"GET /healthz":               {{what: "nothing", path: "/healthz", want: 200}},
	"GET /readyz":                {{what: "nothing", path: "/readyz", want: 200}},
	"GET /metrics":               {{what: "counters without names", path: "/metrics", want: 200}},
	"GET /docs":                  {{what: "the reference", path: "/docs", want: 200}},
	"GET /docs/:file":            {{what: "an id as file", path: "/docs/{lead}", want: 404}, {what: "a way out", path: "/docs/..%2f..%2fgo.mod", want: 404}},
	"GET /openapi.yaml":          {{what: "the contract", path: "/openapi.yaml", want: 200}},
	"GET /openapi.json":          {{what: "the contract", path: "/openapi.json", want: 200}},
	"GET /.well-known/jwks.json": {{what: "public keys", path: "/.well-known/jwks.json", want: 200}},
	"POST /v1/oauth/token": {
		{what: "another's client, wrong secret", path: "/v1/oauth/token", body: `grant_type=client_credentials&client_id={client_id}&client_secret=no`, want: 401},
		{what: "another's client, a key as secret", path: "/v1/oauth/token", body: `grant_type=client_credentials&client_id={client_id}&client_secret={own.key_secret}`, want: 401},
		{what: "another's e-mail", path: "/v1/oauth/token", body: `grant_type=password&username={user_email}&password=not+the+password`, want: 400},
		{what: "another's recovery code", path: "/v1/oauth/token", body: `grant_type=mfa&mfa_token=rtm_{user}&code={recovery_code}`, want: 400},
		{what: "an id as refresh token", path: "/v1/oauth/token", body: `grant_type=refresh_token&refresh_token=rtr_{user}`, want: 400},
	},
	"POST /v1/invitations/accept": {
		{what: "an id as token", path: "/v1/invitations/accept", body: `{"token":"{invited}","password":"taken over for good"}`, want: 400},
		{what: "a link for another purpose", path: "/v1/invitations/accept", body: `{"token":"{reset_token}","password":"taken over for good"}`, want: 400},
	},
	"POST /v1/password-resets": {
		{what: "who was deleted", path: "/v1/password-resets", body: `{"email":"{gone_email}"}`, want: 202},
	},
	"POST /v1/password-resets/complete": {
		{what: "an id as token", path: "/v1/password-resets/complete", body: `{"token":"{user}","password":"taken over for good"}`, want: 400},
		{what: "a link for another purpose", path: "/v1/password-resets/complete", body: `{"token":"{invite_token}","password":"taken over for good"}`, want: 400},
	},
	"GET /v1/public/files/:token": {
		{what: "an id as token", path: "/v1/public/files/{file}", want: 404},
		{what: "a link's id as token", path: "/v1/public/files/{file_link}", want: 404},
	},
	"POST /v1/oauth/revoke": {
		{what: "another's client", path: "/v1/oauth/revoke", body: `token={client_id}`, want: 200},
		{what: "another's user", path: "/v1/oauth/revoke", body: `token=rtr_{user}`, want: 200},
	},
}

// attacks are for every route that needs a credential.
var attacks = map[string][]attack{
	"GET /v1/me":    {{what: "account in query", path: "/v1/me?account_id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/me", want: 200, partner: 200}},
	"GET /v1/enums": {{what: "account in query", path: "/v1/enums?account_id={account}", want: 400, partner: 400}},
	"PUT /v1/me/password": {
		{what: "user in body", path: "/v1/me/password", body: `{"user_id":"{user}","current_password":"x","new_password":"y"}`, want: 422, partner: 422},
	},
	"GET /v1/account": {{what: "account in query", path: "/v1/account?id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/account", want: 200}},
	"PATCH /v1/account": {
		{what: "id in body", path: "/v1/account", body: `{"id":"{account}","name":"Taken"}`, want: 422, partner: 422},
		{what: "account_id in body", path: "/v1/account", body: `{"account_id":"{account}","name":"Taken"}`, want: 422, partner: 422},
		{what: "self", path: "/v1/account", body: `{"language":"fr"}`, want: 200},
	},

	"GET /v1/me/second-factor": {
		{what: "user in query", path: "/v1/me/second-factor?user_id={guarded}", want: 400, partner: 400},
		{what: "self", path: "/v1/me/second-factor", want: 200},
	},
	"POST /v1/me/second-factor": {
		{what: "user in body", path: "/v1/me/second-factor", body: `{"user_id":"{guarded}","password":"a long enough password"}`, want: 422, partner: 422},
	},
	"POST /v1/me/second-factor/confirm": {
		{what: "user in body", path: "/v1/me/second-factor/confirm", body: `{"user_id":"{guarded}","code":"000000"}`, want: 422, partner: 422},
	},
	"POST /v1/me/second-factor/disable": {
		{what: "user in body", path: "/v1/me/second-factor/disable", body: `{"user_id":"{guarded}","password":"a long enough password","code":"000000"}`, want: 422, partner: 422},
		{what: "recovery code", path: "/v1/me/second-factor/disable", body: `{"password":"a long enough password","code":"{recovery_code}"}`, want: 409},
	},
	"POST /v1/me/second-factor/recovery-codes": {
		{what: "user in body", path: "/v1/me/second-factor/recovery-codes", body: `{"user_id":"{guarded}","password":"a long enough password","code":"000000"}`, want: 422, partner: 422},
	},
	"GET /v1/sessions": {
		{what: "user in filter", path: "/v1/sessions?user_id={user}", want: 200},
		{what: "account in filter", path: "/v1/sessions?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/sessions?limit=1&cursor={session_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/sessions", want: 200},
	},
	"DELETE /v1/sessions/:id":              {{what: "path", path: "/v1/sessions/{session}", want: 404}},
	"POST /v1/users/:id/invite":            {{what: "path", path: "/v1/users/{invited}/invite", want: 404}},
	"POST /v1/users/:id/revoke-invitation": {{what: "path", path: "/v1/users/{invited}/revoke-invitation", want: 404}},
	"POST /v1/users/:id/deactivate": {
		{what: "path", path: "/v1/users/{user}/deactivate", body: `{"hand_over_to":null}`, want: 404},
		{what: "who gets the leads", path: "/v1/users/{own.seller}/deactivate", body: `{"hand_over_to":"{user}"}`, want: 422},
	},
	"POST /v1/users/:id/reactivate": {{what: "path", path: "/v1/users/{user}/reactivate", want: 404}},
	"POST /v1/users/:id/end-sessions": {
		{what: "path", path: "/v1/users/{user}/end-sessions", want: 404},
		{what: "path, the administrator", path: "/v1/users/{admin}/end-sessions", want: 404},
	},
	"POST /v1/users/:id/reset-second-factor": {{what: "path", path: "/v1/users/{guarded}/reset-second-factor", want: 404}},

	"GET /v1/audit-log": {
		{what: "who did it", path: "/v1/audit-log?actor_id={admin}", want: 200},
		{what: "whom it concerns", path: "/v1/audit-log?subject_type=user&subject_id={user}", want: 200},
		{what: "account in filter", path: "/v1/audit-log?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/audit-log?limit=1&cursor={audit_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/audit-log", want: 200},
	},
	"GET /v1/events": {
		{what: "cursor", path: "/v1/events?limit=1&cursor={event_cursor}", want: 400, partner: 400},
		{what: "account in filter", path: "/v1/events?account_id={account}", want: 400, partner: 400},
		{what: "dealership in filter", path: "/v1/events?dealership_id={dealership}", want: 200},
	},
	"GET /v1/events/stream": {
		{what: "cursor", path: "/v1/events/stream?wait=0&cursor={event_cursor}", want: 400, partner: 400},
		{what: "cursor in header", path: "/v1/events/stream?wait=0", headers: []string{"Last-Event-ID", "{event_cursor}"}, want: 400, partner: 400},
		{what: "dealership in filter", path: "/v1/events/stream?wait=0&dealership_id={dealership}", want: 200},
	},
	"GET /v1/events/:id": {{what: "path", path: "/v1/events/{event}", want: 404}},
	"POST /v1/webhook-endpoints": {
		{what: "account in body", path: "/v1/webhook-endpoints", body: `{"url":"https://hooks.example/","account_id":"{account}"}`, want: 422, partner: 422},
		{what: "dealership in filter", path: "/v1/webhook-endpoints", body: `{"url":"https://hooks.example/","dealership_ids":["{dealership}"],"enabled":false}`, want: 201},
	},
	"GET /v1/webhook-endpoints": {
		{what: "cursor", path: "/v1/webhook-endpoints?limit=1&cursor={webhook_cursor}", want: 400, partner: 400},
		{what: "account in filter", path: "/v1/webhook-endpoints?account_id={account}", want: 400, partner: 400},
	},
	"GET /v1/webhook-endpoints/changes":   {{what: "cursor", path: "/v1/webhook-endpoints/changes?limit=1&cursor={webhook-endpoint_changes}", want: 400, partner: 400}},
	"GET /v1/webhook-endpoints/:id":       {{what: "path", path: "/v1/webhook-endpoints/{webhook}", want: 404}},
	"PATCH /v1/webhook-endpoints/:id":     {{what: "path", path: "/v1/webhook-endpoints/{webhook}", body: `{"url":"https://taken.example/"}`, want: 404}},
	"DELETE /v1/webhook-endpoints/:id":    {{what: "path", path: "/v1/webhook-endpoints/{webhook}", want: 404}},
	"POST /v1/webhook-endpoints/:id/test": {{what: "path", path: "/v1/webhook-endpoints/{webhook}/test", want: 404}},
	"POST /v1/webhook-endpoints/:id/restore": {
		{what: "path", path: "/v1/webhook-endpoints/{gone_webhook}/restore", want: 404},
	},
	"POST /v1/webhook-endpoints/:id/rotate-secret": {{what: "path", path: "/v1/webhook-endpoints/{webhook}/rotate-secret", body: `{}`, want: 404}},
	"POST /v1/webhook-endpoints/:id/replay":        {{what: "path", path: "/v1/webhook-endpoints/{webhook}/replay", body: `{"since":"2026-01-01T00:00:00Z"}`, want: 404}},
	"GET /v1/webhook-deliveries": {
		{what: "endpoint in filter", path: "/v1/webhook-deliveries?endpoint_id={webhook}", want: 200},
		{what: "event in filter", path: "/v1/webhook-deliveries?event_id={event}", want: 200},
		{what: "cursor", path: "/v1/webhook-deliveries?limit=1&cursor={delivery_cursor}", want: 400, partner: 400},
	},
	"GET /v1/webhook-deliveries/:id":         {{what: "path", path: "/v1/webhook-deliveries/{delivery}", want: 404}},
	"POST /v1/webhook-deliveries/:id/replay": {{what: "path", path: "/v1/webhook-deliveries/{delivery}/replay", want: 404}},

	"POST /v1/files": {
		{what: "account in query", path: "/v1/files?name=n.txt&account_id={account}", body: `{"a":1}`, want: 400, partner: 400},
		{what: "idempotency key", path: "/v1/files?name=n.txt", body: `{"a":1}`, headers: []string{"Idempotency-Key", "{file_key}"}, want: 201},
	},
	"GET /v1/files": {
		{what: "account in filter", path: "/v1/files?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/files?limit=1&cursor={file_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/files", want: 200},
	},
	"GET /v1/files/changes": {
		{what: "cursor", path: "/v1/files/changes?limit=1&cursor={file_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/files/changes", want: 200},
	},
	"GET /v1/files/:id": {{what: "path", path: "/v1/files/{file}", want: 404}, {what: "deleted", path: "/v1/files/{gone_file}", want: 404}},
	"GET /v1/files/:id/content": {
		{what: "path", path: "/v1/files/{file}/content", want: 404},
		{what: "path, a range of it", path: "/v1/files/{file}/content", headers: []string{"Range", "bytes=0-3"}, want: 404},
	},
	"DELETE /v1/files/:id":      {{what: "path", path: "/v1/files/{free_file}", want: 404}},
	"POST /v1/files/:id/links":  {{what: "path", path: "/v1/files/{file}/links", body: `{}`, want: 404}, {what: "file in body", path: "/v1/files/{own.file}/links", body: `{"file_id":"{file}"}`, want: 422, partner: 422}},
	"GET /v1/files/:id/links":   {{what: "path", path: "/v1/files/{file}/links", want: 404}, {what: "cursor", path: "/v1/files/{own.file}/links?limit=1&cursor={file_link_cursor}", want: 400, partner: 400}},
	"DELETE /v1/file-links/:id": {{what: "path", path: "/v1/file-links/{file_link}", want: 404}},

	"POST /v1/dealerships": {
		{what: "account in body", path: "/v1/dealerships", body: `{"name":"N","account_id":"{account}"}`, want: 422, partner: 422},
		{what: "codes and references of another", path: "/v1/dealerships", body: `{"name":"N","codes":[{"scheme":"s","code":"{further_code}"}],"external_refs":[{"source":"dms","id":"{dealership_ref}"}]}`, want: 201},
	},
	"GET /v1/dealerships": {
		{what: "account in filter", path: "/v1/dealerships?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/dealerships?limit=1&cursor={dealership_cursor}", want: 400, partner: 400},
		{what: "brand", path: "/v1/dealerships?brand={brand}", want: 200},
		{what: "self", path: "/v1/dealerships", want: 200},
	},
	"GET /v1/dealerships/changes": {
		{what: "cursor", path: "/v1/dealerships/changes?limit=1&cursor={dealership_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/dealerships/changes", want: 200},
	},
	"GET /v1/dealerships/by-ref/:source/:external_id": {{what: "reference", path: "/v1/dealerships/by-ref/dms/{dealership_ref}", want: 404}},
	"PUT /v1/dealerships/by-ref/:source/:external_id": {
		{what: "reference", path: "/v1/dealerships/by-ref/taken/{dealership_ref}", body: `{"name":"N"}`, want: 201},
		{what: "id in body", path: "/v1/dealerships/by-ref/dms/{dealership_ref}", body: `{"name":"N","id":"{dealership}"}`, want: 422, partner: 422},
	},
	"GET /v1/dealerships/:id": {
		{what: "path", path: "/v1/dealerships/{dealership}", want: 404},
		{what: "path, with its tag", path: "/v1/dealerships/{dealership}", headers: []string{"If-None-Match", `"1"`}, want: 404},
	},
	"PATCH /v1/dealerships/:id": {
		{what: "path", path: "/v1/dealerships/{dealership}", body: `{"name":"Taken"}`, want: 404},
		{what: "account in body", path: "/v1/dealerships/{own.dealership}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/dealerships/:id":       {{what: "path", path: "/v1/dealerships/{dealership}", want: 404}},
	"POST /v1/dealerships/:id/restore": {{what: "path", path: "/v1/dealerships/{gone_dealership}/restore", want: 404}},

	"GET /v1/jobs": {
		{what: "what it works on", path: "/v1/jobs?subject_id={import}", want: 200},
		{what: "account in filter", path: "/v1/jobs?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/jobs?limit=1&cursor={job_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/jobs", want: 200},
	},
	"GET /v1/jobs/changes": {
		{what: "cursor", path: "/v1/jobs/changes?limit=1&cursor={job_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/jobs/changes", want: 200},
	},
	"GET /v1/jobs/:id": {
		{what: "path", path: "/v1/jobs/{job}", want: 404},
		{what: "path, with its tag", path: "/v1/jobs/{job}", headers: []string{"If-None-Match", `"1"`}, want: 404},
	},
	"POST /v1/jobs/:id/cancel": {{what: "path", path: "/v1/jobs/{job}/cancel", want: 404}},
	"POST /v1/jobs/:id/retry":  {{what: "path", path: "/v1/jobs/{job}/retry", want: 404}},

	"GET /v1/import-kinds":    {{what: "account in query", path: "/v1/import-kinds?account_id={account}", want: 400, partner: 400}},
	"GET /v1/import-mappings": {{what: "account in filter", path: "/v1/import-mappings?account_id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/import-mappings", want: 200}},
	"POST /v1/imports": {
		{what: "mapping", path: "/v1/imports", body: `{"kind":"contacts","text":"last_name\nN\n","mapping_name":"{mapping}"}`, want: 422},
		{what: "account in body", path: "/v1/imports", body: `{"kind":"contacts","text":"last_name\nN\n","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"POST /v1/imports/upload": {{what: "mapping", path: "/v1/imports/upload", body: upload("contacts", "last_name\nN\n", "{mapping}"), want: 422}},
	"POST /v1/imports/inspect": {
		{what: "account in body", path: "/v1/imports/inspect", body: `{"kind":"contacts","text":"last_name\nN\n","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/imports": {
		{what: "account in filter", path: "/v1/imports?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/imports?limit=1&cursor={import_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/imports", want: 200},
	},
	"POST /v1/files/fetch": {
		{what: "account in body", path: "/v1/files/fetch", body: `{"url":"https://photos.example/x.png","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/imports/changes": {
		{what: "cursor", path: "/v1/imports/changes?limit=1&cursor={import_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/imports/changes", want: 200},
	},
	"GET /v1/exports/changes": {
		{what: "cursor", path: "/v1/exports/changes?limit=1&cursor={export_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/exports/changes", want: 200},
	},
	"GET /v1/imports/:id":         {{what: "path", path: "/v1/imports/{import}", want: 404}},
	"GET /v1/imports/:id/rows":    {{what: "path", path: "/v1/imports/{import}/rows", want: 404}, {what: "path, further", path: "/v1/imports/{import}/rows?after_line=1", want: 404}},
	"POST /v1/imports/:id/revert": {{what: "path", path: "/v1/imports/{import}/revert", want: 404}},
	"POST /v1/exports": {
		{what: "account in body", path: "/v1/exports", body: `{"kind":"contacts","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/exports": {
		{what: "account in filter", path: "/v1/exports?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/exports?limit=1&cursor={export_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/exports", want: 200},
	},
	"GET /v1/exports/:id":         {{what: "path", path: "/v1/exports/{export}", want: 404}},
	"GET /v1/exports/:id/content": {{what: "path", path: "/v1/exports/{export}/content", want: 404}},

	"POST /v1/users": {
		{what: "role at a dealership", path: "/v1/users", body: `{"email":"x@fr.example","password":"a long enough password","roles":[{"role":"viewer","dealership_id":"{dealership}"}]}`, want: 422},
		{what: "account in body", path: "/v1/users", body: `{"email":"x@fr.example","password":"a long enough password","account_id":"{account}"}`, want: 422, partner: 422},
		{what: "e-mail: one login over the installation, as documented", path: "/v1/users", body: `{"email":"{user_email}","password":"a long enough password"}`, want: 409, random: 201},
	},
	"GET /v1/users": {
		{what: "dealership in filter", path: "/v1/users?role=salesperson&dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/users?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/users?limit=1&cursor={user_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/users", want: 200},
	},
	"GET /v1/users/changes": {
		{what: "cursor", path: "/v1/users/changes?limit=1&cursor={user_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/users/changes", want: 200},
	},
	"GET /v1/users/:id": {{what: "path", path: "/v1/users/{user}", want: 404}},
	"PATCH /v1/users/:id": {
		{what: "path", path: "/v1/users/{user}", body: `{"first_name":"Taken"}`, want: 404},
		{what: "path, password", path: "/v1/users/{admin}", body: `{"password":"taken over for good"}`, want: 404},
		{what: "role at a dealership", path: "/v1/users/{own.user}", body: `{"roles":[{"role":"viewer","dealership_id":"{dealership}"}]}`, want: 422},
		{what: "e-mail: one login over the installation, as documented", path: "/v1/users/{own.user}", body: `{"email":"{user_email}"}`, want: 409, random: 200},
	},
	"DELETE /v1/users/:id":       {{what: "path", path: "/v1/users/{user}", want: 404}},
	"POST /v1/users/:id/restore": {{what: "path", path: "/v1/users/{gone_user}/restore", want: 404}},

	"POST /v1/api-keys": {
		{what: "dealerships", path: "/v1/api-keys", body: `{"kind":"api_key","name":"N","scopes":["leads:read"],"dealership_ids":["{dealership}"]}`, want: 422},
		{what: "account in body", path: "/v1/api-keys", body: `{"kind":"api_key","name":"N","scopes":["leads:read"],"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/api-keys": {
		{what: "account in filter", path: "/v1/api-keys?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/api-keys?limit=1&cursor={key_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/api-keys", want: 200},
	},
	"GET /v1/api-keys/changes": {
		{what: "cursor", path: "/v1/api-keys/changes?limit=1&cursor={api-key_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/api-keys/changes", want: 200},
	},
	"GET /v1/api-keys/:id": {{what: "path", path: "/v1/api-keys/{key}", want: 404}, {what: "a partner's", path: "/v1/api-keys/{partner_credential}", want: 404}},
	"PATCH /v1/api-keys/:id": {
		{what: "path", path: "/v1/api-keys/{key}", body: `{"scopes":["leads:write"]}`, want: 404},
		{what: "dealerships", path: "/v1/api-keys/{own.key}", body: `{"dealership_ids":["{dealership}"]}`, want: 422},
	},
	"DELETE /v1/api-keys/:id":               {{what: "path", path: "/v1/api-keys/{key}", want: 404}, {what: "a partner's", path: "/v1/api-keys/{partner_credential}", want: 404}},
	"POST /v1/api-keys/:id/rotate":          {{what: "path", path: "/v1/api-keys/{key}/rotate", want: 404}},
	"POST /v1/api-keys/:id/finish-rotation": {{what: "path", path: "/v1/api-keys/{rotating}/finish-rotation", want: 404}},

	"POST /v1/grants": {
		{what: "dealership", path: "/v1/grants", body: `{"partner_code":"{own.partner_code}","dealership_id":"{dealership}","dealer_code":"N","scopes":["leads:create"]}`, want: 422},
		{what: "account in body", path: "/v1/grants", body: `{"partner_code":"{own.partner_code}","dealership_id":"{own.dealership}","dealer_code":"N","scopes":["leads:create"],"account_id":"{account}"}`, want: 422, partner: 422},
		{what: "dealer code: one meaning for a partner, as documented", path: "/v1/grants", body: `{"partner_code":"{own.others_partner}","dealership_id":"{own.dealership}","dealer_code":"{grant_code}","scopes":["leads:create"]}`, want: 409, random: 201},
	},
	"GET /v1/grants": {
		{what: "dealership in filter", path: "/v1/grants?dealership_id={dealership}", want: 200},
		{what: "partner in filter", path: "/v1/grants?partner_code={partner_code}", want: 200},
		{what: "account in filter", path: "/v1/grants?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/grants?limit=1&cursor={grant_cursor}", want: 400, partner: 400},
	},
	"GET /v1/grants/changes": {
		{what: "cursor", path: "/v1/grants/changes?limit=1&cursor={grant_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/grants/changes", want: 200},
	},
	"GET /v1/grants/:id":    {{what: "path", path: "/v1/grants/{grant}", want: 404}},
	"DELETE /v1/grants/:id": {{what: "path", path: "/v1/grants/{grant}", want: 404}},

	"GET /v1/dealerships/:id/calendar": {{what: "path", path: "/v1/dealerships/{dealership}/calendar?from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", want: 404}, {what: "self", path: "/v1/dealerships/{own.dealership}/calendar?from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", want: 200}},
	"GET /v1/users/:id/calendar": {
		{what: "path", path: "/v1/users/{seller}/calendar?dealership_id={own.dealership}&from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", want: 404},
		{what: "dealership", path: "/v1/users/{own.seller}/calendar?dealership_id={dealership}&from=2026-12-01T00:00:00Z&to=2027-01-01T00:00:00Z", want: 404},
	},
	"GET /v1/staff": {
		{what: "dealership", path: "/v1/staff?dealership_id={dealership}", want: 200},
		{what: "cursor", path: "/v1/staff?dealership_id={own.dealership}&limit=1&cursor={staff_cursor}", want: 400, partner: 400},
		{what: "account in filter", path: "/v1/staff?dealership_id={own.dealership}&account_id={account}", want: 400, partner: 400},
	},
	"GET /v1/vin/:vin": {{what: "account in query", path: "/v1/vin/VF3VBBHXHGZ041335?account_id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/vin/VF3VBBHXHGZ041335", want: 200}},
	"GET /v1/holidays": {{what: "account in query", path: "/v1/holidays?country=FR&year=2026&account_id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/holidays?country=FR&year=2026", want: 200}},

	"POST /v1/opening-hours": {
		{what: "dealership", path: "/v1/opening-hours", body: `{"dealership_id":"{dealership}"}`, want: 422},
		{what: "account in body", path: "/v1/opening-hours", body: `{"dealership_id":"{own.dealership}","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/opening-hours": {
		{what: "dealership in filter", path: "/v1/opening-hours?dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/opening-hours?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/opening-hours?limit=1&cursor={hours_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/opening-hours", want: 200},
	},
	"GET /v1/opening-hours/changes": {
		{what: "cursor", path: "/v1/opening-hours/changes?limit=1&cursor={hours_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/opening-hours/changes", want: 200},
	},
	"GET /v1/opening-hours/:id": {{what: "path", path: "/v1/opening-hours/{hours}", want: 404}, {what: "deleted", path: "/v1/opening-hours/{gone_hours}", want: 404}},
	"PATCH /v1/opening-hours/:id": {
		{what: "path", path: "/v1/opening-hours/{hours}", body: `{"week":[]}`, want: 404},
		{what: "account in body", path: "/v1/opening-hours/{own.hours}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/opening-hours/:id":       {{what: "path", path: "/v1/opening-hours/{hours}", want: 404}},
	"POST /v1/opening-hours/:id/restore": {{what: "path", path: "/v1/opening-hours/{gone_hours}/restore", want: 404}},
	"POST /v1/closures": {
		{what: "dealership", path: "/v1/closures", body: `{"dealership_id":"{dealership}","starts":"2026-12-07T12:00","ends":"2026-12-07T14:00"}`, want: 422},
		{what: "account in body", path: "/v1/closures", body: `{"dealership_id":"{own.dealership}","starts":"2026-12-07T12:00","ends":"2026-12-07T14:00","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/closures": {
		{what: "dealership in filter", path: "/v1/closures?dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/closures?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/closures?limit=1&cursor={closure_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/closures", want: 200},
	},
	"GET /v1/closures/changes": {
		{what: "cursor", path: "/v1/closures/changes?limit=1&cursor={closure_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/closures/changes", want: 200},
	},
	"GET /v1/closures/:id": {{what: "path", path: "/v1/closures/{closure}", want: 404}, {what: "deleted", path: "/v1/closures/{gone_closure}", want: 404}},
	"PATCH /v1/closures/:id": {
		{what: "path", path: "/v1/closures/{closure}", body: `{"label":"Taken"}`, want: 404},
		{what: "account in body", path: "/v1/closures/{own.closure}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/closures/:id":       {{what: "path", path: "/v1/closures/{closure}", want: 404}},
	"POST /v1/closures/:id/restore": {{what: "path", path: "/v1/closures/{gone_closure}/restore", want: 404}},
	"POST /v1/shifts": {
		{what: "dealership", path: "/v1/shifts", body: `{"user_id":"{own.user}","dealership_id":"{dealership}","day":"monday","from":"09:00","to":"12:00"}`, want: 422},
		{what: "user", path: "/v1/shifts", body: `{"user_id":"{user}","dealership_id":"{own.dealership}","day":"monday","from":"09:00","to":"12:00"}`, want: 422},
	},
	"GET /v1/shifts": {
		{what: "dealership in filter", path: "/v1/shifts?dealership_id={dealership}", want: 200},
		{what: "user in filter", path: "/v1/shifts?user_id={user}", want: 200},
		{what: "account in filter", path: "/v1/shifts?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/shifts?limit=1&cursor={shift_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/shifts", want: 200},
	},
	"GET /v1/shifts/changes": {
		{what: "cursor", path: "/v1/shifts/changes?limit=1&cursor={shift_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/shifts/changes", want: 200},
	},
	"GET /v1/shifts/:id": {{what: "path", path: "/v1/shifts/{shift}", want: 404}, {what: "deleted", path: "/v1/shifts/{gone_shift}", want: 404}},
	"PATCH /v1/shifts/:id": {
		{what: "path", path: "/v1/shifts/{shift}", body: `{"to":"13:00"}`, want: 404},
		{what: "account in body", path: "/v1/shifts/{own.shift}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/shifts/:id":       {{what: "path", path: "/v1/shifts/{shift}", want: 404}},
	"POST /v1/shifts/:id/restore": {{what: "path", path: "/v1/shifts/{gone_shift}/restore", want: 404}},
	"POST /v1/absences": {
		{what: "user", path: "/v1/absences", body: `{"user_id":"{user}","kind":"sick","starts_at":"2027-01-04T08:00:00Z","ends_at":"2027-01-08T08:00:00Z"}`, want: 422},
	},
	"GET /v1/absences": {
		{what: "user in filter", path: "/v1/absences?user_id={user}", want: 200},
		{what: "account in filter", path: "/v1/absences?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/absences?limit=1&cursor={absence_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/absences", want: 200},
	},
	"GET /v1/absences/changes": {
		{what: "cursor", path: "/v1/absences/changes?limit=1&cursor={absence_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/absences/changes", want: 200},
	},
	"GET /v1/absences/:id": {{what: "path", path: "/v1/absences/{absence}", want: 404}, {what: "deleted", path: "/v1/absences/{gone_absence}", want: 404}},
	"PATCH /v1/absences/:id": {
		{what: "path", path: "/v1/absences/{absence}", body: `{"note":"Taken"}`, want: 404},
		{what: "account in body", path: "/v1/absences/{own.absence}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/absences/:id":       {{what: "path", path: "/v1/absences/{absence}", want: 404}},
	"POST /v1/absences/:id/restore": {{what: "path", path: "/v1/absences/{gone_absence}/restore", want: 404}},
	"POST /v1/external-calendars": {
		{what: "user", path: "/v1/external-calendars", body: `{"user_id":"{user}","url":"https://calendar.example/a.ics","paused":true}`, want: 422},
		{what: "account in body", path: "/v1/external-calendars", body: `{"user_id":"{own.user}","url":"https://calendar.example/a.ics","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/external-calendars": {
		{what: "user in filter", path: "/v1/external-calendars?user_id={user}", want: 200},
		{what: "account in filter", path: "/v1/external-calendars?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/external-calendars?limit=1&cursor={external_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/external-calendars", want: 200},
	},
	"GET /v1/external-calendars/changes": {
		{what: "cursor", path: "/v1/external-calendars/changes?limit=1&cursor={external_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/external-calendars/changes", want: 200},
	},
	"GET /v1/external-calendars/:id": {
		{what: "path", path: "/v1/external-calendars/{external}", want: 404},
		{what: "deleted", path: "/v1/external-calendars/{gone_external}", want: 404},
	},
	"PATCH /v1/external-calendars/:id": {
		{what: "path", path: "/v1/external-calendars/{external}", body: `{"url":"https://taken.example/"}`, want: 404},
		{what: "account in body", path: "/v1/external-calendars/{own.external}", body: `{"account_id":"{account}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/external-calendars/:id":       {{what: "path", path: "/v1/external-calendars/{external}", want: 404}},
	"POST /v1/external-calendars/:id/restore": {{what: "path", path: "/v1/external-calendars/{gone_external}/restore", want: 404}},
	"POST /v1/external-calendars/:id/refresh": {{what: "path", path: "/v1/external-calendars/{external}/refresh", want: 404}},
	"GET /v1/presence": {
		{what: "account in filter", path: "/v1/presence?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/presence?limit=1&cursor={presence_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/presence", want: 200},
	},
	"GET /v1/presence/changes": {
		{what: "cursor", path: "/v1/presence/changes?limit=1&cursor={presence_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/presence/changes", want: 200},
	},
	"GET /v1/presence/:id":    {{what: "path", path: "/v1/presence/{seller}", want: 404}},
	"PUT /v1/presence/:id":    {{what: "path", path: "/v1/presence/{seller}", body: `{"state":"in"}`, want: 404}},
	"DELETE /v1/presence/:id": {{what: "path", path: "/v1/presence/{seller}", want: 404}},

	"POST /v1/contacts": {
		{what: "owner", path: "/v1/contacts", body: `{"full_name":"N","owner_id":"{user}"}`, want: 422},
		{what: "account in body", path: "/v1/contacts", body: `{"full_name":"N","account_id":"{account}"}`, want: 422, partner: 422},
		{what: "e-mail, number and reference of another's contact", path: "/v1/contacts", body: `{"full_name":"N","emails":[{"address":"{contact_email}"}],"phones":[{"raw":"{contact_phone}"}],"external_refs":[{"source":"crm","id":"{contact_ref}"}]}`, want: 201},
		{what: "idempotency key", path: "/v1/contacts", body: `{"full_name":"N"}`, headers: []string{"Idempotency-Key", "{contact_ref}"}, want: 201},
	},
	"POST /v1/contacts/batch": {
		{what: "owner", path: "/v1/contacts/batch", body: `{"items":[{"full_name":"N","owner_id":"{user}"},{"full_name":"N"},{"full_name":"N","account_id":"{account}"}]}`, want: 207, partner: 207, items: []int{422, 201, 422}, partnerItems: []int{403, 403, 422}},
	},
	"GET /v1/contacts": {
		{what: "owner in filter", path: "/v1/contacts?owner_id={user}", want: 200},
		{what: "e-mail in filter", path: "/v1/contacts?email={contact_email}&kind=company", want: 200},
		{what: "tag in filter", path: "/v1/contacts?tag={contact_tag}", want: 200},
		{what: "words", path: "/v1/contacts?q={contact_tag}", want: 200},
		{what: "account in filter", path: "/v1/contacts?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/contacts?limit=1&cursor={contact_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/contacts", want: 200},
	},
	"GET /v1/contacts/changes": {
		{what: "cursor", path: "/v1/contacts/changes?limit=1&cursor={contact_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/contacts/changes", want: 200},
	},
	"PUT /v1/contacts/by-ref/:source/:external_id": {
		{what: "reference", path: "/v1/contacts/by-ref/taken/{contact_ref}", body: `{"full_name":"N"}`, want: 201},
		{what: "owner", path: "/v1/contacts/by-ref/crm/{contact_ref}", body: `{"full_name":"N","owner_id":"{user}"}`, want: 422},
		{what: "id in body", path: "/v1/contacts/by-ref/crm/{contact_ref}", body: `{"full_name":"N","id":"{contact}"}`, want: 422, partner: 422},
	},
	"GET /v1/contacts/:id": {{what: "path", path: "/v1/contacts/{contact}", want: 404}, {what: "deleted", path: "/v1/contacts/{gone_contact}", want: 404}},
	"PATCH /v1/contacts/:id": {
		{what: "path", path: "/v1/contacts/{contact}", body: `{"full_name":"Taken"}`, want: 404},
		{what: "owner", path: "/v1/contacts/{own.contact}", body: `{"owner_id":"{user}"}`, want: 422},
	},
	"DELETE /v1/contacts/:id":       {{what: "path", path: "/v1/contacts/{contact}", want: 404}},
	"POST /v1/contacts/:id/restore": {{what: "path", path: "/v1/contacts/{gone_contact}/restore", want: 404}},

	"POST /v1/leads": {
		{what: "dealership", path: "/v1/leads", body: `{"dealership_id":"{dealership}",` + someone + `}`, want: 422, partner: 422},
		{what: "dealer code", path: "/v1/leads", body: `{"dealer_code":"{dealer_code}",` + someone + `}`, want: 422, partner: 422},
		{what: "dealer code of another partner's grant", path: "/v1/leads", body: `{"dealer_code":"{grant_code}",` + someone + `}`, want: 422, partner: 422},
		{what: "contact", path: "/v1/leads", body: `{` + elsend + `"contact_id":"{contact}"}`, want: 422, partner: 422},
		{what: "assignee", path: "/v1/leads", body: `{` + elsend + `"assignee_id":"{user}",` + someone + `}`, want: 422, partner: 422},
		{what: "sender's id", path: "/v1/leads", body: `{` + elsend + someone + `,"external_refs":[{"source":"{lead_ref_source}","id":"{lead_ref}"}]}`, want: 201, partner: 201},
		{what: "e-mail of another's contact", path: "/v1/leads", body: `{` + elsend + `"contact":{"full_name":"N","emails":[{"address":"{lead_email}"}]}}`, want: 201, partner: 201},
		{what: "account in body", path: "/v1/leads", body: `{` + elsend + someone + `,"account_id":"{account}"}`, want: 422, partner: 422},
		{what: "idempotency key", path: "/v1/leads", body: `{` + elsend + someone + `}`, headers: []string{"Idempotency-Key", "{lead_key}"}, want: 201, partner: 201},
	},
	"POST /v1/leads/batch": {
		{
			what: "dealership, contact, assignee", path: "/v1/leads/batch", want: 207, partner: 207, items: []int{422, 422, 422, 201}, partnerItems: []int{422, 422, 422, 201},
			body: `{"items":[{"dealership_id":"{dealership}",` + someone + `},{` + elsend + `"contact_id":"{contact}"},{` + elsend + `"assignee_id":"{user}",` + someone + `},{` + elsend + someone + `}]}`,
		},
	},
	"POST /v1/leads/adf": {
		{what: "dealership", path: "/v1/leads/adf?dealership_id={dealership}", body: document("1", "none", "adf-n1"), want: 422, partner: 422},
		{what: "dealer code", path: "/v1/leads/adf?dealer_code={dealer_code}", body: document("1", "none", "adf-n2"), want: 422, partner: 422},
		{what: "dealer code of another partner's grant", path: "/v1/leads/adf?dealer_code={grant_code}", body: document("1", "none", "adf-n3"), want: 422, partner: 422},
		{what: "vendor", path: "/v1/leads/adf?dealership_id={own.dealership}", body: document("{lead_ref}", "{dealer_code}", "adf-{nonce}"), want: 201, partner: 201},
		{what: "vendor alone", path: "/v1/leads/adf", body: document("{lead_ref}", "{grant_code}", "adf-alone-{nonce}"), want: 201, partner: 422},
		{what: "account in query", path: "/v1/leads/adf?account_id={account}", body: document("1", "none", "adf-n5"), want: 400, partner: 400},
	},
	"POST /v1/leads/adf/validate": {{what: "vendor", path: "/v1/leads/adf/validate", body: document("{lead_ref}", "{dealer_code}", "adf"), want: 200, partner: 200}},
	"PUT /v1/leads/by-ref/:source/:external_id": {
		{what: "reference", path: "/v1/leads/by-ref/{lead_ref_source}/{lead_ref}", body: `{` + elsend + someone + `,"comments":"{nonce}"}`, want: 201, partner: 201},
		{what: "reference and dealership", path: "/v1/leads/by-ref/{lead_ref_source}/{lead_ref}", body: `{"dealership_id":"{dealership}",` + someone + `}`, want: 422, partner: 422},
		{what: "contact", path: "/v1/leads/by-ref/n/1", body: `{` + elsend + `"contact_id":"{contact}"}`, want: 422, partner: 422},
		{what: "assignee", path: "/v1/leads/by-ref/n/1", body: `{` + elsend + `"assignee_id":"{user}",` + someone + `}`, want: 422, partner: 422},
	},
	"GET /v1/leads": {
		{what: "dealership in filter", path: "/v1/leads?dealership_id={dealership}", want: 200, partner: 200},
		{what: "dealership in filter, with contacts", path: "/v1/leads?dealership_id={dealership}&include=contact", want: 200},
		{what: "assignee in filter", path: "/v1/leads?assignee_id={user}", want: 200, partner: 400},
		{what: "contact in filter", path: "/v1/leads?contact_id={contact}", want: 200, partner: 400},
		{what: "source in filter", path: "/v1/leads?source={lead_ref_source}", want: 200, partner: 400},
		{what: "words", path: "/v1/leads?q={contact_email}", want: 200, partner: 400},
		{what: "account in filter", path: "/v1/leads?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/leads?limit=1&cursor={lead_cursor}", want: 400, partner: 400},
		{what: "self, all of it", path: "/v1/leads?limit=200&count=exact", want: 200, partner: 200},
		{what: "self, with contacts", path: "/v1/leads?limit=200&include=contact", want: 200},
	},
	"GET /v1/leads/changes": {
		{what: "cursor", path: "/v1/leads/changes?limit=1&cursor={lead_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/leads/changes", want: 200},
	},
	"GET /v1/leads/:id": {
		{what: "path", path: "/v1/leads/{lead}", want: 404, partner: 404},
		{what: "path, with contact", path: "/v1/leads/{lead}?include=contact", want: 404, partner: 404},
		{what: "path, as ADF", path: "/v1/leads/{lead}", headers: []string{"Accept", "application/x-adf+xml"}, want: 404, partner: 404},
		{what: "path, with its tag", path: "/v1/leads/{lead}", headers: []string{"If-None-Match", `"3"`}, want: 404, partner: 404},
		{what: "a partner's lead", path: "/v1/leads/{partner_lead}", want: 404, partner: 404},
		{what: "deleted", path: "/v1/leads/{gone_lead}", want: 404, partner: 404},
	},
	"PATCH /v1/leads/:id": {
		{what: "path", path: "/v1/leads/{lead}", body: `{"comments":"Taken"}`, want: 404, partner: 404},
		{what: "a partner's lead", path: "/v1/leads/{partner_lead}", body: `{"comments":"Taken"}`, want: 404, partner: 404},
		{what: "dealership", path: "/v1/leads/{own.lead}", body: `{"dealership_id":"{dealership}"}`, want: 422, partner: 404},
		{what: "contact in body", path: "/v1/leads/{own.lead}", body: `{"contact_id":"{contact}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/leads/:id": {
		{what: "path", path: "/v1/leads/{lead}", want: 404, partner: 404},
		{what: "a partner's lead", path: "/v1/leads/{partner_lead}", want: 404, partner: 404},
	},
	"POST /v1/leads/:id/restore": {{what: "path", path: "/v1/leads/{gone_lead}/restore", want: 404, partner: 404}},
	"POST /v1/leads/:id/status": {
		{what: "path", path: "/v1/leads/{lead}/status", body: `{"status":"visited"}`, want: 404, partner: 404},
		{what: "a partner's lead", path: "/v1/leads/{partner_lead}/status", body: `{"status":"visited"}`, want: 404, partner: 404},
	},
	"POST /v1/leads/:id/assign": {
		{what: "path", path: "/v1/leads/{lead}/assign", body: `{"assignee_id":"{own.user}"}`, want: 404, partner: 404},
		{what: "assignee", path: "/v1/leads/{own.lead}/assign", body: `{"assignee_id":"{user}"}`, want: 422, partner: 404},
	},
	"POST /v1/leads/:id/viewed": {{what: "path", path: "/v1/leads/{lead}/viewed", want: 404, partner: 404}},
	"GET /v1/leads/:id/history": {{what: "path", path: "/v1/leads/{lead}/history", want: 404, partner: 404}, {what: "a partner's lead", path: "/v1/leads/{partner_lead}/history", want: 404, partner: 404}},

	"GET /v1/inbox": {
		{what: "account in filter", path: "/v1/inbox?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/inbox?limit=1&cursor={inbox_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/inbox", want: 200},
	},
	"GET /v1/inbox/changes": {
		{what: "cursor", path: "/v1/inbox/changes?limit=1&cursor={inbox_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/inbox/changes", want: 200},
	},
	"GET /v1/inbox/:id":     {{what: "path", path: "/v1/inbox/{inbox}", want: 404}},
	"GET /v1/inbox/:id/raw": {{what: "path", path: "/v1/inbox/{inbox}/raw", want: 404}},
	"POST /v1/inbox/:id/replay": {
		{what: "path", path: "/v1/inbox/{quarantined}/replay", want: 404},
		{what: "path, with a correction", path: "/v1/inbox/{quarantined}/replay", body: document("1", "none", "adf-n6"), want: 404},
	},

	"GET /v1/message-kinds": {{what: "account in query", path: "/v1/message-kinds?account_id={account}", want: 400, partner: 400}, {what: "self", path: "/v1/message-kinds", want: 200}},
	"POST /v1/message-templates": {
		{what: "dealership", path: "/v1/message-templates", body: `{"name":"export.ready","language":"nl","dealership_id":"{dealership}","subject":"S","text":"T"}`, want: 422},
		{what: "account in body", path: "/v1/message-templates", body: `{"name":"export.ready","language":"nl","subject":"S","text":"T","account_id":"{account}"}`, want: 422, partner: 422},
		{what: "message, place and language of another's", path: "/v1/message-templates", body: `{"name":"user.security_notice","language":"pt","subject":"S","text":"T"}`, want: 201, random: 409},
	},
	"GET /v1/message-templates": {
		{what: "dealership in filter", path: "/v1/message-templates?dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/message-templates?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/message-templates?limit=1&cursor={template_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/message-templates", want: 200},
	},
	"GET /v1/message-templates/changes": {
		{what: "cursor", path: "/v1/message-templates/changes?limit=1&cursor={template_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/message-templates/changes", want: 200},
	},
	"POST /v1/message-templates/preview": {
		{what: "dealership", path: "/v1/message-templates/preview", body: `{"name":"user.security_notice","dealership_id":"{dealership}"}`, want: 422},
		{what: "self", path: "/v1/message-templates/preview", body: `{"name":"user.security_notice","dealership_id":"{own.dealership}"}`, want: 200},
	},
	"POST /v1/message-templates/test": {
		{what: "dealership", path: "/v1/message-templates/test", body: `{"name":"user.security_notice","dealership_id":"{dealership}"}`, want: 422},
		{what: "user", path: "/v1/message-templates/test", body: `{"name":"user.security_notice","user_id":"{user}"}`, want: 422},
	},
	"GET /v1/message-templates/:id": {{what: "path", path: "/v1/message-templates/{template}", want: 404}, {what: "deleted", path: "/v1/message-templates/{gone_template}", want: 404}},
	"PATCH /v1/message-templates/:id": {
		{what: "path", path: "/v1/message-templates/{template}", body: `{"subject":"Taken"}`, want: 404},
		{what: "dealership in body", path: "/v1/message-templates/{own.template}", body: `{"dealership_id":"{dealership}"}`, want: 422, partner: 422},
	},
	"DELETE /v1/message-templates/:id": {{what: "path", path: "/v1/message-templates/{template}", want: 404}},
	"GET /v1/mails": {
		{what: "dealership in filter", path: "/v1/mails?dealership_id={dealership}", want: 200},
		{what: "recipient in filter", path: "/v1/mails?to={user_email}", want: 200},
		{what: "account in filter", path: "/v1/mails?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/mails?limit=1&cursor={mail_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/mails", want: 200},
	},
	"GET /v1/mails/changes": {
		{what: "cursor", path: "/v1/mails/changes?limit=1&cursor={mail_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/mails/changes", want: 200},
	},
	"GET /v1/mails/:id":         {{what: "path", path: "/v1/mails/{mail}", want: 404}},
	"POST /v1/mails/:id/resend": {{what: "path", path: "/v1/mails/{mail}/resend", want: 404}},
	"POST /v1/mail-addresses": {
		{what: "dealership", path: "/v1/mail-addresses", body: `{"label":"L","dealership_id":"{dealership}"}`, want: 422},
		{what: "source of another's", path: "/v1/mail-addresses", body: `{"label":"L","source":"{address_source}"}`, want: 201},
		{what: "account in body", path: "/v1/mail-addresses", body: `{"label":"L","account_id":"{account}"}`, want: 422, partner: 422},
	},
	"GET /v1/mail-addresses": {
		{what: "dealership in filter", path: "/v1/mail-addresses?dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/mail-addresses?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/mail-addresses?limit=1&cursor={address_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/mail-addresses", want: 200},
	},
	"GET /v1/mail-addresses/changes": {
		{what: "cursor", path: "/v1/mail-addresses/changes?limit=1&cursor={address_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/mail-addresses/changes", want: 200},
	},
	"GET /v1/mail-addresses/:id": {{what: "path", path: "/v1/mail-addresses/{address}", want: 404}, {what: "ended", path: "/v1/mail-addresses/{gone_address}", want: 404}},
	"PATCH /v1/mail-addresses/:id": {
		{what: "path", path: "/v1/mail-addresses/{address}", body: `{"source":"Taken"}`, want: 404},
		{what: "dealership", path: "/v1/mail-addresses/{own.address}", body: `{"dealership_id":"{dealership}"}`, want: 422},
	},
	"DELETE /v1/mail-addresses/:id": {{what: "path", path: "/v1/mail-addresses/{address}", want: 404}},
	"GET /v1/inbound-messages": {
		{what: "address in filter", path: "/v1/inbound-messages?address_id={address}", want: 200},
		{what: "mail in filter", path: "/v1/inbound-messages?mail_id={mail}", want: 200},
		{what: "dealership in filter", path: "/v1/inbound-messages?dealership_id={dealership}", want: 200},
		{what: "account in filter", path: "/v1/inbound-messages?account_id={account}", want: 400, partner: 400},
		{what: "cursor", path: "/v1/inbound-messages?limit=1&cursor={inbound_cursor}", want: 400, partner: 400},
		{what: "self", path: "/v1/inbound-messages", want: 200},
	},
	"GET /v1/inbound-messages/changes": {
		{what: "cursor", path: "/v1/inbound-messages/changes?limit=1&cursor={inbound_changes}", want: 400, partner: 400},
		{what: "self", path: "/v1/inbound-messages/changes", want: 200},
	},
	"GET /v1/inbound-messages/:id":     {{what: "path", path: "/v1/inbound-messages/{inbound}", want: 404}},
	"GET /v1/inbound-messages/:id/raw": {{what: "path", path: "/v1/inbound-messages/{inbound}/raw", want: 404}},
}
