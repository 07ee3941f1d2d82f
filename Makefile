# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: 2026 The Countersign Authors

SHELL := /usr/bin/env bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

BIN := $(CURDIR)/node_modules/.bin
NODE := $(BIN)/node
RUN := npm run --silent
# npm's own runs use the machine's node; what it installs brings the exact one.
INSTALLED := node_modules/.countersign-installed
# What `make verify` writes and compares.
GENERATED := crds/countersign.dev_*.yaml docs/reasons.md docs/metrics.md \
  cli/page/bundle.generated.ts
# Scripts of e2e/setup and the programs they start use the pinned node.
WITH_NODE := PATH="$(BIN):$$PATH"

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z][a-z-]*:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'

.PHONY: setup
setup: check-machine $(INSTALLED) ## Check the machine, install packages, build the programs of the tests
	@e2e/setup/build.sh

.PHONY: check-machine
check-machine:
	@e2e/setup/packages.sh

# One retry, for a network that hiccups. --loglevel=error hides npm's remarks about the machine's
# node: the packages run on the node that is among them.
$(INSTALLED): package-lock.json .npmrc
	@npm ci --loglevel=error || { echo 'npm ci failed; trying once more' >&2; sleep 5; npm ci --loglevel=error; }
	@$(NODE) --version >/dev/null || { echo 'node_modules/.bin/node does not run: npm must be allowed to run install scripts ("ignore-scripts" is off?)' >&2; exit 1; }
	@touch $@

.PHONY: lint
lint: $(INSTALLED) ## ESLint, format, import rules, unused code
	@$(RUN) lint

.PHONY: format
format: $(INSTALLED) ## Format every file
	@$(RUN) format

.PHONY: typecheck
typecheck: $(INSTALLED) ## Check the types
	@$(RUN) typecheck

.PHONY: build
build: $(INSTALLED) ## Compile to dist/, as the image carries it
	@$(RUN) build

.PHONY: test
test: setup ## Every test: units, definitions, scenarios on a real control plane
	@rm -rf reports/tests
	@status=0; \
	$(RUN) test:unit || status=1; \
	$(WITH_NODE) $(RUN) test:e2e || status=1; \
	$(RUN) test:summary unit e2e || status=1; \
	exit $$status

.PHONY: unit
unit: $(INSTALLED) ## Tests that need neither cluster nor network
	@$(RUN) test:unit

.PHONY: e2e
e2e: setup ## Scenarios on a real control plane (E2E_REQUIRE=node,containers,browser: nothing may be skipped)
	@$(WITH_NODE) $(RUN) test:e2e

.PHONY: cover
cover: $(INSTALLED) ## Coverage of the unit tests, in coverage/
	@$(RUN) cover

.PHONY: demo
demo: setup ## Tell the story of an exception on a local control plane
	@$(WITH_NODE) node e2e/demo/main.ts $(if $(KEEP),--keep)

.PHONY: conformance
conformance: $(INSTALLED) ## Judge the shared suite of Sigstore clients (CONFORMANCE_DIR)
	@$(NODE) e2e/conformance/main.ts

.PHONY: bench
bench: setup build ## Measure admission against a bare server; writes bench-results.json
	@$(WITH_NODE) node e2e/bench/main.ts

.PHONY: image
image: $(INSTALLED) ## Build the image of operator and webhook
	@$(WITH_NODE) e2e/setup/image.sh

.PHONY: generate
generate: $(INSTALLED) ## Write the generated files
	@$(RUN) generate

.PHONY: verify
verify: generate ## Fail where a committed generated file is not what would be generated
	@$(BIN)/prettier --check --log-level warn docs/reasons.md docs/metrics.md
	@untracked=$$(git ls-files --others --exclude-standard -- $(GENERATED)); \
	if ! git --no-pager diff --exit-code -- $(GENERATED) || [[ -n "$$untracked" ]]; then \
	  echo "generated files are not up to date: commit what \`make generate\` wrote $$untracked" >&2; \
	  exit 1; \
	fi

.PHONY: clean
clean: ## Remove what was built, not what was installed
	@rm -rf dist coverage reports out bench-results.json
