# Every target works on a bare machine: tools/bootstrap.sh brings uv and the locked environment first.
#   INSTANCE=<name>   whose stack (default demo; each has its own folder, ports, Postgres and RabbitMQ)
#   SERVICE=<member>  only this part's tests, or this process's log (contact, outbox, api-gateway…)
#   T=<arguments>     handed on to pytest (a path, a test, -k 'words')

SHELL := /bin/bash
.DEFAULT_GOAL := help
INSTANCE ?= demo
RUN := tools/bootstrap.sh
STACK := $(RUN) python -m local_stack
MEMBER = $(firstword $(wildcard $(addsuffix /$(SERVICE),services libs simulators .)))

.PHONY: demo doctor temporal up down status logs reset test chaos bench seed reads lint types generated map help

demo: ## Prepare everything, start the stack, play a WhatsApp conversation and print its timeline
	@$(STACK) demo --instance $(INSTANCE)

doctor: ## Ask every dependency of the running stack by using it, and name the repair of what does not work
	@$(STACK) doctor --instance $(INSTANCE)

up: ## Start the stack (Postgres, RabbitMQ, services, WAHA simulator) and wait until it is ready
	@$(STACK) up --instance $(INSTANCE)

down: ## Stop the stack; its data stays
	@$(STACK) down --instance $(INSTANCE)

status: ## Say what runs, where, since when and how often it was restarted
	@$(STACK) status --instance $(INSTANCE)

logs: ## Follow the logs (SERVICE=contact: of one process only)
	@$(STACK) logs $(SERVICE) --instance $(INSTANCE)

reset: ## Stop the stack and remove its data, ports and secrets
	@$(STACK) reset --instance $(INSTANCE)

temporal: ## Bring Temporal's program where it is missing, once per user (PATH, download, go install)
	@$(STACK) temporal --instance $(INSTANCE)

# Three workers for two cores: half of the time tests wait for servers, time-outs and pauses.
test: ## Run all tests on an instance of their own (SERVICE=contact, T='-k words' narrow them)
	@$(STACK) temporal --instance test || true
	@$(RUN) pytest -n 3 --dist loadfile --no-loadscope-reorder $(if $(SERVICE),$(or $(MEMBER),$(error there is no part called $(SERVICE)))) $(T)

chaos: ## Break everything while load flows, and check that nothing is lost or doubled (T='--only 6,10 --seed 1', '--list')
	@$(STACK) temporal --instance test-chaos || true
	@$(RUN) python chaos/run.py $(T)

bench: ## Measure everything that has to be fast, on instances of its own (T='--only inbound,floor', '--help'), into .ventros/bench.json
	@$(STACK) temporal --instance bench || true
	@$(RUN) python bench/run.py $(T)

seed: ## Load the instance reads with 500,000 contacts and 5,000,000 messages (T='--contacts 5000 --messages 50000': fewer)
	@$(RUN) python bench/seed.py $(T)

reads: ## Measure what people read on it, seeding it first where that was not done
	@$(RUN) python bench/reads.py $(T)

lint: ## Check style, formatting, import rules and the lock
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@$(RUN) lint-imports
	@$(RUN) python tools/lints.py
	@$(RUN) uv lock --check

types: ## Check types
	@$(RUN) mypy

generated: ## Check that generated files (schemas, topology, catalogue) are fresh
	@$(RUN) python tools/generate.py --check

map: ## Print which file hears which event, and who says it
	@ls services/*/src/*/entrypoints/events/
	@$(RUN) python tools/map.py

help: ## Print this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
