.DEFAULT_GOAL := help
SHELL := /bin/bash

# Every recipe that builds runs with .ci/env: Go on the path, cgo only with libpcap.
ENV := . .ci/env &&

FUZZTIME ?= 1m

help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-12s %s\n", $$1, $$2}'

demo: ## Install what the build needs, build, and show a verdict on a shipped capture
	@.ci/setup build
	@$(MAKE) --no-print-directory build
	@.ci/demo

build: ## Build bin/whydrop
	@$(ENV) go build -trimpath -o bin/whydrop ./cmd/whydrop

test: ## Install what the tests need, and run them all
	@.ci/setup test
	@$(ENV) go test ./...
	@$(MAKE) --no-print-directory captures

captures: build ## Hold our own captures to what their path kept in its log, as whydrop check does it
	@bin/whydrop check -q testdata/pcap/*.pcap* --policy .ci/policy.toml

check: ## What a change must pass: builds, gofmt, vet, lint, race, poison, short fuzz, benchmarks once
	@$(MAKE) --no-print-directory build cross
	@$(MAKE) --no-print-directory format vet lint
	@$(MAKE) --no-print-directory race poison
	@$(MAKE) --no-print-directory fuzz FUZZTIME=5s
	@$(ENV) go test -run '^$$' -bench . -benchtime 1x ./... | grep -v 'no test files'

man: build ## Make the manual pages in dist/man
	@rm -rf dist/man && bin/whydrop man dist/man

deb: build ## Make a Debian package in dist/, with manual pages and completion
	@.ci/deb

dist: ## Make dist/whydrop-VERSION-ARCH.tar.gz, with manual pages and completion
	@$(ENV) .ci/dist

# Where whydrop is to build without cgo, and its tests to compile.
PLATFORMS := linux/amd64 linux/arm64 windows/amd64 darwin/arm64 freebsd/amd64

cross: ## Build and vet without cgo for Linux, Windows, macOS and FreeBSD
	@$(ENV) export CGO_ENABLED=0; for platform in $(PLATFORMS); do \
		export GOOS=$${platform%/*} GOARCH=$${platform#*/}; \
		go build -o /dev/null ./cmd/whydrop && go vet ./... || { echo "$$platform: does not build, or vet"; exit 1; }; done

format: ## List files that gofmt would change
	@$(ENV) files=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$files" ]; then echo "not gofmt'ed: $$files"; exit 1; fi

race: ## Run the tests under the race detector (-short: fewer of the random rounds)
	@.ci/setup test
	@$(ENV) go test -race -short ./...

poison: ## Run all tests with released memory overwritten
	@$(ENV) go test -tags poison ./...

vet: ## Run go vet, with each build tag
	@$(ENV) go vet ./... && go vet -tags poison ./...

lint: ## Run golangci-lint (installed into bin/tools on first use)
	@$(ENV) .ci/lint

fuzz: ## Run every fuzz target for FUZZTIME (default 1m)
	@$(ENV) FUZZTIME=$(FUZZTIME) .ci/fuzz

generate: ## Compile the BPF program again (needs clang-19 and llvm-19)
	@$(ENV) go generate ./capture/host

golden: ## Rewrite the wanted outputs, then read the diff
	@$(ENV) grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -r -n1 dirname | sort -u | \
		while read -r dir; do go test "$$dir" -update || exit 1; done
	@git diff --stat testdata '*/testdata'

bench: ## Run the benchmarks
	@$(ENV) go test -run '^$$' -bench . -benchmem ./... | grep -v 'no test files'

bench-peers: build ## Time whydrop beside tcpdump, tcptrace and tshark on 1.5 M packets (flags in ARGS)
	@$(ENV) go build -o bin/tracegen ./cmd/tracegen && go build -o bin/benchpeers ./cmd/benchpeers && bin/benchpeers $(ARGS)

profile: build ## Profile a run on the benchmark's capture for the profile-guided build
	@$(ENV) go build -o bin/tracegen ./cmd/tracegen && bin/tracegen -o /tmp/whydrop-profile.pcap && \
		bin/whydrop analyze -q --cpuprofile cmd/whydrop/default.pgo /tmp/whydrop-profile.pcap; rm -f /tmp/whydrop-profile.pcap

corpus: build ## Run whydrop over every capture below DIR and list what it gets wrong
	@[ -n "$(DIR)" ] || { echo "make corpus DIR=folder"; exit 2; }
	@$(ENV) go run ./cmd/corpus -whydrop bin/whydrop $(DIR)

lab: ## Make the shipped captures anew, from real kernels (root; network namespaces)
	@$(ENV) go run ./cmd/lab -o testdata/pcap

truth: build ## Score whydrop, tshark and tcptrace on runs whose truth is known (as root new ones; SEEDS=1-3)
	@$(ENV) dir=testdata/truth; if [ "$$(id -u)" = 0 ]; then dir=$$(mktemp -d) && trap 'rm -rf "$$dir"' EXIT && \
		go run ./cmd/lab -points $(or $(SEEDS),1-3) -o "$$dir" || exit 1; fi; go run ./cmd/truth -whydrop bin/whydrop "$$dir"

truth-live: build ## Prove whydrop live on this kernel: every fault against its verdict (root; RUN=regexp)
	@$(ENV) go build -o bin/faults ./cmd/faults && bin/faults -whydrop bin/whydrop -run '$(RUN)'

.PHONY: man deb dist captures truth-live truth help demo build test check cross format race poison vet lint fuzz generate golden bench bench-peers profile corpus lab
