package main

// The statements of the server's hot paths, written out once more: the bare handler and pgbench issue these. They are to
// say what internal/leads/leadsdb, internal/contacts/contactsdb, internal/platform/outbox and internal/platform/background
// send; verify.go holds the results of both servers against each other.

const (
	setAccount = `select set_config('app.account_id', $1, true)`

	leadColumns = `l.id, l.version, l.dealership_id, l.contact_id, l.type, l.channel, l.status, l.status_reason, l.source, l.partner_id,
	l.assignee_id, l.duplicate_of, l.inbox_id, l.content_hash, l.test, l.score, l.requested_at, l.received_at, l.viewed_at,
	l.postponed_until, l.closed_at, l.won_vin, l.order_number, l.sold_at, l.details, l.created_at, l.updated_at, l.deleted_at`

	selectLead = `SELECT ` + leadColumns + ` FROM leads l WHERE l.account_id = $1 AND l.id = $2`
	lockLead   = selectLead + ` FOR UPDATE`
	listLeads  = `SELECT ` + leadColumns + ` FROM leads l WHERE l.account_id = $1 AND l.deleted_at IS NULL AND l.status = $2
		ORDER BY l.created_at DESC, l.id DESC LIMIT $3`
	searchLeads = `SELECT ` + leadColumns + ` FROM search_leads($1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, $2) f
		JOIN leads l ON l.account_id = $3 AND l.id = f.id ORDER BY f.created_at DESC, f.id DESC`

	contactColumns = `account_id, id, version, kind, civility, first_name, last_name, full_name, company_name, emails, phones, addresses,
	language, external_refs, custom, tags, owner_id, created_at, updated_at, deleted_at`
	selectContacts = `SELECT ` + contactColumns + ` FROM contacts WHERE account_id = $1 AND id = ANY ($2)`

	lockRefs   = `SELECT count(pg_advisory_xact_lock(k)) FROM unnest($1::bigint[]) k`
	selectRefs = `SELECT r.lead_id FROM unnest($2::text[], $3::text[]) q (source, external_id)
		JOIN lead_refs r ON r.account_id = $1 AND r.source = q.source AND r.external_id = q.external_id`
	lockPoints    = `SELECT pg_advisory_xact_lock(k) FROM unnest($1::bigint[]) AS k`
	selectSharing = `SELECT ` + contactColumns + ` FROM contacts WHERE account_id = $1 AND deleted_at IS NULL AND id IN (
	(SELECT contact_id FROM contact_points WHERE account_id = $1 AND kind = 'email' AND value = ANY ($2) ORDER BY contact_id LIMIT 50)
	UNION
	(SELECT contact_id FROM contact_points WHERE account_id = $1 AND kind = 'phone' AND value = ANY ($3) ORDER BY contact_id LIMIT 200))
	ORDER BY id`
	selectRecent = `SELECT id, status, type, source, test, content_hash, received_at, duplicate_of FROM leads
	WHERE account_id = $1 AND contact_id = $2 AND dealership_id = $3 AND created_at >= $4 AND deleted_at IS NULL
	ORDER BY created_at DESC, id DESC`

	insertContact = `INSERT INTO contacts (account_id, id, version, kind, civility, first_name, last_name, full_name, company_name,
	emails, phones, addresses, language, external_refs, custom, tags, owner_id, search, created_at, updated_at, deleted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`
	insertPoints = `INSERT INTO contact_points (account_id, kind, value, contact_id)
		SELECT $1, p.kind, p.value, $2 FROM unnest($3::text[], $4::text[]) AS p (kind, value)`
	insertLead = `INSERT INTO leads
	(account_id, id, version, dealership_id, contact_id, type, channel, status, status_reason, source, partner_id, assignee_id,
	 duplicate_of, inbox_id, content_hash, test, score, requested_at, received_at, viewed_at, postponed_until, closed_at, won_vin,
	 order_number, sold_at, details, search, created_at, updated_at, deleted_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30)`
	insertRefs = `INSERT INTO lead_refs (account_id, source, external_id, lead_id) SELECT $1, source, external_id, $2
		FROM unnest($3::text[], $4::text[]) q (source, external_id) ON CONFLICT ON CONSTRAINT lead_refs_key DO NOTHING`
	insertHistory = `INSERT INTO lead_history (account_id, lead_id, id, at, kind, from_status, to_status, from_assignee, to_assignee, reason, note,
	actor_type, actor_id, actor_name) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	insertEvent = `INSERT INTO events
	(account_id, id, type, resource_type, resource_id, sequence, actor_type, actor_id, changed, data, occurred_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`
	updateLead = `UPDATE leads SET version = $3, dealership_id = $4, contact_id = $5, type = $6, channel = $7, status = $8, status_reason = $9,
	source = $10, partner_id = $11, assignee_id = $12, duplicate_of = $13, inbox_id = $14, content_hash = $15, test = $16, score = $17,
	requested_at = $18, received_at = $19, viewed_at = $20, postponed_until = $21, closed_at = $22, won_vin = $23, order_number = $24,
	sold_at = $25, details = $26, search = coalesce(nullif($27, ''), search), created_at = $28, updated_at = $29, deleted_at = $30
	WHERE account_id = $1 AND id = $2`

	insertDocument = `INSERT INTO inbox (account_id, id, version, kind, state, media_type, size_bytes, sha256, dealership_id, partner_id,
		credential_id, actor, idempotency_key, fingerprint, warnings, lead_ids, answer_status, answer, received_at, processed_at, updated_at)
		VALUES ($1, $2, 2, 'adf', 'accepted', $3, $4, $5, NULL, NULL, $6, $7, NULL, NULL, $8, $9, 201, $10, $11, $11, $11)`
	insertPart = `INSERT INTO inbox_parts (account_id, inbox_id, revision, part, body) VALUES ($1, $2, 0, 0, $3)`
)
