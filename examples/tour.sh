#!/bin/sh
# The tour of the README in one go, against the server that `make run` started. Run it in the repository's folder.
# It needs curl and nothing else, and stops at the first answer that is not what it should be.
set -eu

credentials=${CREDENTIALS:-.rooftop/dev-credentials.json}
[ -r "$credentials" ] || { echo "$credentials cannot be read: start the server with make run first" >&2; exit 1; }

# text NAME: the first string of that name in the JSON on standard input.
text() { tr -d '\n' | grep -o "\"$1\": *\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }

# expect STATUS WHAT CURL-ARGUMENTS...: sends a request; its answer is in $answer.
expect() {
	status=$1 what=$2
	shift 2
	answer=$(curl -sS -w '\n%{http_code}' "$@")
	got=${answer##*
}
	answer=${answer%
*}
	if [ "$got" != "$status" ]; then
		echo "$what: $got in place of $status: $answer" >&2
		exit 1
	fi
	echo "$got  $what"
}

base=$(text base_url <"$credentials")
dealership=$(tr -d ' \n' <"$credentials" | grep -o '"dealership_ids":\["[^"]*"' | head -n 1 | cut -d '"' -f 4)
run=$(date +%s)-$$

expect 200 "sign in" "$base/v1/oauth/token" \
	-d grant_type=password \
	--data-urlencode "username=$(text email <"$credentials")" \
	--data-urlencode "password=$(text password <"$credentials")"
token=$(printf '%s' "$answer" | text access_token)
auth="Authorization: Bearer $token"

lead='{"dealership_id": "'$dealership'", "type": "test_drive", "source": "tour '$run'", "comments": "Is it still there?",
  "contact": {"first_name": "Nadia", "last_name": "Lambert", "emails": [{"address": "nadia.lambert@mail.example"}], "phones": [{"raw": "06 39 98 77 01"}]},
  "vehicles_of_interest": [{"interest": "test_drive", "condition": "used", "make": "Peugeot", "model": "208", "year": 2021, "primary": true}]}'

expect 201 "send a lead as JSON" "$base/v1/leads" -H "$auth" -H 'Content-Type: application/json' -H "Idempotency-Key: tour-$run" -d "$lead"
first=$answer
id=$(printf '%s' "$answer" | text id)

expect 201 "send it again with the same key: the same answer" "$base/v1/leads" -H "$auth" -H 'Content-Type: application/json' -H "Idempotency-Key: tour-$run" -d "$lead"
[ "$answer" = "$first" ] || { echo "the answers differ" >&2; exit 1; }

sed "s/PE-2026-48213/PE-$run/" "$(dirname "$0")/lead.adf.xml" >"${TMPDIR:-/tmp}/rooftop-tour-$run.xml"
trap 'rm -f "${TMPDIR:-/tmp}/rooftop-tour-$run.xml"' EXIT
answer=$(curl -sS "$base/v1/leads/adf?dealership_id=$dealership" -H "$auth" -H 'Content-Type: application/xml' --data-binary "@${TMPDIR:-/tmp}/rooftop-tour-$run.xml")
printf '%s' "$answer" | grep -q '"state": *"accepted"' || { echo "send a lead as ADF: $answer" >&2; exit 1; }
echo "20x  send a lead as ADF"

expect 200 "list the new leads with their contacts" "$base/v1/leads?status=new&include=contact&limit=5" -H "$auth"
expect 200 "change its status" "$base/v1/leads/$id/status" -H "$auth" -H 'Content-Type: application/json' -d '{"status": "in_contact", "note": "Called back, comes on Saturday"}'
expect 200 "read what changed" "$base/v1/leads/changes?limit=5" -H "$auth"
expect 200 "read the lead as ADF" "$base/v1/leads/$id" -H "$auth" -H 'Accept: application/x-adf+xml'
