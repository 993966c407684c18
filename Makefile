# Everything a person or CI does with this repository. `make help` lists it.
PYTHON ?= python3
BIN := .venv/bin
# Two cores are the common case. Some tests wait; every worker runs its own control plane.
WORKERS ?= 3
# What a recipe needs on PATH: .venv and the engines.
ENV = eval "$$($(PYTHON) tools/setup env)"
PYTEST = $(ENV) && pytest
# Of the contract, what most changes to the client or the control plane would break.
MIDDLE = $(addprefix tests/contract/test_,databases_real.py idempotency.py creation.py client.py batched_reads.py paging.py)

.DEFAULT_GOAL := help
.PHONY: help setup python env engines demo test check lint format lock schema stubs docs parity sdk bench chaos dist \
  differential pythons image clean

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  \1\t\2/; s/[$$]{2}/$$/g' | expand -t 16

setup: ## prepare all that `make test` needs: .venv, engines, MariaDB, a browser (idempotent; says what it does)
	@$(PYTHON) tools/setup test

# The development packages alone.
python:
	@$(PYTHON) tools/setup check

engines: ## only the engines
	@$(PYTHON) tools/setup engines

env: ## print the export lines that put .venv and the engines on PATH: eval "$$(make -s env)"
	@$(PYTHON) tools/setup env

demo: ## a team's whole day with this provider, on real parts
	@$(PYTHON) tools/setup demo
	@$(ENV) && python tools/demo

test: setup lint ## everything: units, contract, engines
	@$(PYTEST) -n $(WORKERS) --dist loadgroup

check: python ## the quick subset, about two minutes: units, docs, the middle of the contract
	@$(PYTEST) -n $(WORKERS) --dist loadgroup -m "not slow and not engine" tests/unit tests/docs $(MIDDLE)

lint: python ## ruff, mypy --strict, import contracts, fresh schema
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python tools/generate --check

format: python ## let ruff mend what it can
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

schema: python ## write schema.json from the declarations
	@$(BIN)/python tools/generate schema

sdk: ## generate sdk/python, sdk/nodejs and sdk/go from schema.json
	@$(PYTHON) tools/setup sdk

# Without the check of the runtime's version, as Pulumi's own stubs: some releases of protobuf 6 print a warning there.
stubs: python ## generate the protocol's messages from its .proto file
	@cd provider/resourcekit/terraform/protocol && $(abspath $(BIN))/python -m grpc_tools.protoc -I . \
	  --python_out=. --pyi_out=. tfplugin6.proto && sed -e '/import runtime_version/d' \
	  -e '/^_runtime_version/,/^)/d' tfplugin6_pb2.py > new && mv new tfplugin6_pb2.py

docs: python ## write docs/reference and docs/terraform from the declarations, and the site into build/site
	@$(BIN)/python tools/generate docs
	@$(BIN)/sphinx-build -q -W -n --keep-going -b html docs build/site && echo build/site/index.html

parity: setup ## run the contract tests, note which test sees what, and write docs/parity.md
	@record=$$(mktemp -d)/responses && export POLYKOMOS_PARITY=$$record && $(PYTEST) tests/contract -q -n $(WORKERS) \
	  --dist loadgroup && python tools/generate parity; status=$$?; rm -rf $$(dirname $$record); exit $$status

PIP_COMPILE = env -u PIP_FIND_LINKS $(BIN)/pip-compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
  --strip-extras --allow-unsafe

lock: ## compile requirements/*.txt anew (they name no host)
	@$(PIP_COMPILE) --extra controlplane -o requirements/runtime.txt pyproject.toml requirements/runtime.in
	@$(PIP_COMPILE) --all-extras -c requirements/runtime.txt -o requirements/dev.txt pyproject.toml requirements/dev.in
	@$(PIP_COMPILE) -o requirements/go.txt requirements/go.in
	@$(PIP_COMPILE) -o requirements/image.txt requirements/image.in

bench: setup ## what things cost beside what, into docs/benchmarks.md (BENCH_SIZES=10,100 for a short run)
	@$(PYTHON) tools/setup baseline
	@$(ENV) && export PYTHONPATH=tests && python tests/bench/engines_bench.py \
	  && python tests/bench/control_plane_bench.py && python tests/bench/sql_bench.py

chaos: setup ## kill -9 of control plane, engines and plugins at random moments (ROUNDS=20 SEED=…); nothing lost or doubled
	@$(ENV) && export PYTHONPATH=tests && python tests/faults/chaos.py && python tests/faults/steps.py \
	  && python tests/faults/engines.py

differential: setup ## random programs on Pulumi, Terraform and OpenTofu: all engines do the same (PROGRAMS=200 SEED=…)
	@$(ENV) && PROGRAMS=$${PROGRAMS:-200} SEED=$${SEED:-$$$$} pytest -s tests/engines/test_differential.py

dist: python ## wheels, and archives for Pulumi and Terraform that need no Python, with checksums, in dist/
	@$(BIN)/python tools/dist

pythons: python ## the wheel, its unit tests, polykomos dev and all plugins, in each Python of this machine
	@$(BIN)/python tools/interpreters

image: python ## run the steps of tools/image/Dockerfile in scratch roots, and what it starts (needs root and debootstrap)
	@$(BIN)/python tools/image/dry_run.py

clean: ## remove what was made here; caches outside the repository stay
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
