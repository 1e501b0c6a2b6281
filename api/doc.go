// Package api is the HTTP edge: the echo server, its middleware in order, and the notes that describe the API as a whole.
// What a resource's routes do is in the packages below it; rules and storage are left to internal/.
//
//	@title			Rooftop API
//	@version		1.0.0
//	@description	The open API of Rooftop, for car-dealer CRM and internet lead management: leads, contacts, dealerships and whoever may see them.
//	@description
//	@description	**Conventions.** JSON in snake_case, UUIDv7 ids, RFC 3339 times in UTC, money in minor units. Lists answer
//	@description	`{"data": [], "next_cursor": null}` and are read page by page with `cursor`; every collection has a `changes` feed to
//	@description	keep a copy in step. `PATCH` is JSON Merge Patch. Every resource has a `version` and an `ETag`. Any write takes an
//	@description	`Idempotency-Key` and can then be repeated safely. Errors are problems (RFC 9457): decide by `code`, show `detail`.
//	@description
//	@description	**Access.** Every request carries a credential as a bearer token: an access token of `POST /v1/oauth/token`, an API key,
//	@description	or the publishable key of a dealer's site.
//	@contact.name	Rooftop maintainers
//	@contact.url	https://github.com/rooftop-crm/rooftop
//	@license.name	Apache 2.0
//	@license.url	https://www.apache.org/licenses/LICENSE-2.0
//	@BasePath		/v1
//
//	@tag.name			leads
//	@tag.description	Enquiries, from intake to sold or lost.
//	@tag.name			inbox
//	@tag.description	Documents as they came in, kept until they became leads or somebody looked at them.
//	@tag.name			vehicles
//	@tag.description	Cars, and what their numbers say.
//	@tag.name			contacts
//	@tag.description	People and companies, with the ways to reach them.
//	@tag.name			messages
//	@tag.description	What is said by mail, what went out and came in, and the addresses that mail comes in at.
//	@tag.name			files
//	@tag.description	Uploaded files, and links by which others may read them.
//	@tag.name			account
//	@tag.description	The account: its name, country, language and rules.
//	@tag.name			dealerships
//	@tag.description	Points of sale and the codes by which others know them.
//	@tag.name			calendars
//	@tag.description	When dealerships are open and people work: hours, holidays, closures, shifts, absences, presence.
//	@tag.name			users
//	@tag.description	People who work for the account, and their roles.
//	@tag.name			api-keys
//	@tag.description	API keys, site keys and machine clients.
//	@tag.name			grants
//	@tag.description	What a dealership allows an OEM or a lead provider.
//	@tag.name			jobs
//	@tag.description	Long operations: how far they are, and what came of them.
//	@tag.name			imports
//	@tag.description	Files read into the account, and written from it.
//	@tag.name			audit
//	@tag.description	What administrators did, in entries that nobody can change.
//	@tag.name			events
//	@tag.description	What changed, in one order without gaps, read step by step or as a stream.
//	@tag.name			webhooks
//	@tag.description	Addresses that are told of events, and how that went.
//	@tag.name			sign-in
//	@tag.description	Tokens, and who the caller is.
//	@tag.name			reference
//	@tag.description	Values with their labels.
//	@tag.name			operations
//	@tag.description	For whoever runs the service: health, metrics, this document.
//
//	@securityDefinitions.apikey	Bearer
//	@in							header
//	@name						Authorization
//	@description				An access token, an API key or a site key: `Authorization: Bearer …`
package api
