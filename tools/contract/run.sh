#!/bin/sh
# Checks openapi.yaml from outside: two linters as they come, and the types a TypeScript client gets.
# With BASE_URL and TOKEN set (and DEALERSHIP_ID, when the caller has several), the sample also runs against that server.
# Needs Node.js and npm.
set -eu
cd "$(dirname "$0")"
export REDOCLY_TELEMETRY=off REDOCLY_SUPPRESS_UPDATE_NOTICE=true npm_config_update_notifier=false

if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
	npm ci --ignore-scripts --no-audit --no-fund
fi
bin=node_modules/.bin
mkdir -p generated
cp ../../openapi.yaml generated/openapi.yaml

$bin/redocly lint --config redocly.yaml --format stylish --max-problems 1000 generated/openapi.yaml
$bin/spectral lint --ruleset spectral.yaml --fail-severity=hint generated/openapi.yaml
$bin/openapi-typescript generated/openapi.yaml --output generated/api.ts
node check-types.mjs
$bin/tsc --project tsconfig.json
if [ -n "${BASE_URL:-}" ]; then
	node generated/js/sample.js
else
	echo "sample compiled; set BASE_URL and TOKEN to run it"
fi
