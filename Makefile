# What can be done with this repository. Go and make are enough; lint-contract and check-webhooks also need Node.js.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS  = -s -w -X github.com/rooftop-crm/rooftop/internal/app.Version=$(VERSION)
LINT     = $(GO) tool -modfile=tools/go.mod golangci-lint

# The version is passed in; Go must not ask git too, which refuses a checkout that belongs to somebody else.
export GOFLAGS := $(GOFLAGS) -buildvcs=false

# How long make fuzz spends on each target, and the folder it takes them from.
FUZZTIME ?= 30s
FUZZDIR  ?= .
# How often make soak repeats each race, and kills the server and Postgres in each of those tests.
ROUNDS   ?= 1000
KILLS    ?= 10
# How many jobs soak does while their workers are killed every second.
JOBS     ?= 5000
# How many deliveries make check-webhooks verifies.
DELIVERIES ?= 300

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  %-15s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: run
run: build ## run the server with demo data; prints a curl that works
	bin/rooftop serve

.PHONY: build
build: ## build bin/rooftop, static
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/rooftop ./cmd/rooftop

.PHONY: test
test: ## run every test, with small counts; needs Postgres 15 or newer, or fetches it
	$(GO) test -timeout 10m ./...

.PHONY: test-race
test-race: ## the same with the race detector; needs a C compiler
	CGO_ENABLED=1 $(GO) test -race -timeout 30m ./...

.PHONY: lint
lint: ## run golangci-lint, which tools/go.mod pins
	$(LINT) run ./...

.PHONY: format
format: ## format the code and its imports
	$(LINT) fmt ./...

.PHONY: generate
generate: ## write openapi.yaml and docs/ from the annotations and the code
	$(GO) run ./internal/openapi/generate
	$(GO) test ./internal/archtest -count=1 -run '^TestDocs' -update

.PHONY: check-generate
check-generate: ## see that make generate changes nothing
	@sums() { find openapi.yaml docs -type f | LC_ALL=C sort | while read -r f; do cksum "$$f"; done; }; \
	before="$$(sums)"; $(MAKE) --no-print-directory generate || exit 1; \
	if [ "$$before" != "$$(sums)" ]; then echo "make generate changes openapi.yaml or docs/: commit what it wrote" >&2; exit 1; fi

.PHONY: lint-contract
lint-contract: ## check openapi.yaml with Redocly, Spectral and TypeScript; needs Node.js
	tools/contract/run.sh

.PHONY: check-webhooks
check-webhooks: ## verify DELIVERIES=300 webhooks with the library of Standard Webhooks; needs Node.js
	GO=$(GO) DELIVERIES=$(DELIVERIES) tools/webhooks/run.sh

.PHONY: check-xml
check-xml: ## hold the ADF we write, and that of the examples, against xmllint
	@command -v xmllint >/dev/null || { echo "xmllint is missing: install libxml2-utils (Debian) or libxml2 (others)" >&2; exit 1; }
	xmllint --noout examples/*.xml
	$(GO) test ./pkg/adf ./internal/intaketest -count=1 -run "Xmllint|Corpus|AnyText|ControlCharacters"

.PHONY: bench
bench: ## measure against a bare handler on 200 000 leads
	$(GO) run ./internal/bench

.PHONY: bench-full
bench-full: ## the same on 1 000 000 leads; takes an hour and about 12 GB of disk
	$(GO) run ./internal/bench -full

.PHONY: soak
soak: ## repeat the races ROUNDS=1000 times, the crashes KILLS=10 times, and do JOBS=5000 jobs under 60 kills
	ROOFTOP_ROUNDS=$(ROUNDS) ROOFTOP_KILLS=$(KILLS) $(GO) test -count=1 -timeout 6h ./...
	ROOFTOP_KILLS=60 ROOFTOP_JOBS=$(JOBS) $(GO) test -count=1 -timeout 1h ./internal/platform/jobs -run KilledWorkers

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME=30s each; FUZZDIR=pkg/adf takes one folder
	@grep -ro --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' $(FUZZDIR) | sed 's|^\(.*\)/[^/]*:func |\1 |' | LC_ALL=C sort | \
	while read -r dir target; do \
		echo "$$dir $$target"; \
		$(GO) test "./$$dir" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x </dev/null || exit 1; \
	done

.PHONY: docker
docker: ## build the image rooftop:VERSION
	docker build --build-arg VERSION=$(VERSION) -t rooftop:$(VERSION) .

.PHONY: clean
clean: ## remove what was built; the data in .rooftop/ stays
	rm -rf bin tools/contract/generated
