.DEFAULT_GOAL := help
help: ## Show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

build: ## Build ./bin/whydrop
	go build -o bin/whydrop ./cmd/whydrop

test: ## Run all tests
	go test ./...

.PHONY: help build test
