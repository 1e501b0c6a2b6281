#!/bin/sh
# Has the server deliver events through two rotations of the secret, and verifies each with the library of Standard Webhooks.
# DELIVERIES says how many. Needs Go, Node.js and npm.
set -eu
cd "$(dirname "$0")"
export npm_config_update_notifier=false

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --ignore-scripts --no-audit --no-fund
fi
samples=$(mktemp)
trap 'rm -f "$samples"' EXIT
(cd ../.. && ROOFTOP_ROUNDS=${DELIVERIES:-300} ROOFTOP_WEBHOOK_SAMPLES=$samples "${GO:-go}" test ./internal/apptest -count=1 -timeout 30m -run '^TestWebhookSamples$')
node verify.mjs "$samples"
