# `make` lists the commands. They need Python 3.11 or newer, and Node 20 for the demo and the browser
# tests; everything else is installed into .venv and node_modules, in the versions locked here.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

BIN := .venv/bin
UV := $(BIN)/uv pip
INSTALL := $(UV) install --quiet --python $(BIN)/python
SYNC := $(UV) sync --quiet --python $(BIN)/python
# What is installed depends on these locks alone: not on an index, a mirror or a cache of this machine.
LOCK := $(UV) compile --quiet --python-version 3.11 --python-platform linux --generate-hashes --no-header \
        --no-emit-index-url --no-emit-find-links --annotation-style line $(if $(UPGRADE),--upgrade)
LOCKS := $(addprefix requirements/,build.txt server.txt agents.txt)

PYTHONS := $(PYTHON) python3.11 python3.12 python3.13 python3
TYPED := $(wildcard bot escalation sdk/src tests bench deploy agents)
WORKERS ?= 2
# Many tests wait for processes, databases and browsers: one more keeps two cores at work.
TEST_WORKERS ?= 3

# Where a wrong branch lets something run that nobody allowed, every branch is tested: all rules, and the guard.
VITAL := $(wildcard escalation/*.py) bot/slack/ingress/guard.py
comma := ,
space := $(subst ,, )
# `coverage` takes them with commas between.
VITAL_LIST := $(subst $(space),$(comma),$(strip $(VITAL)))

.PHONY: help
help:  ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- try it ----------------------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.runtime node_modules/.installed  ## Run a bot, an agent and a local Slack in the browser (AUTO=1: decide by itself)
	@AUTO="$(AUTO)" $(BIN)/python -m deploy.demo.run

.PHONY: serve
serve: .venv/.runtime  ## Run the bot with andon.yaml
	@$(BIN)/andon serve

# --- work on it ------------------------------------------------------------------------------------

.PHONY: install
install: .venv/.dev node_modules/.installed  ## Install everything that the other commands need

.PHONY: check
check: .venv/.dev  ## Format, lint, types, import contracts, unit tests: in under a minute
	@$(MAKE) --jobs=2 --output-sync=target --keep-going types unit contracts lint

.PHONY: lint
lint: .venv/.dev  ## … only format and lint
	@echo "== format and lint"
	@$(BIN)/ruff format --check --quiet --output-format concise . || { echo "Run 'make format'." >&2; exit 1; }
	@$(BIN)/ruff check --quiet --output-format concise .

.PHONY: types
types: .venv/.dev  ## … only types
	@echo "== types"
	@$(BIN)/mypy $(TYPED)

.PHONY: contracts
contracts: .venv/.dev  ## … only import contracts
	@echo "== import contracts"
	@$(BIN)/lint-imports --no-logo

.PHONY: unit
unit: .venv/.dev  ## … only unit tests
	@echo "== unit tests"
	@$(BIN)/python -m pytest -p tests.no_skips -q -n $(WORKERS) -m "not slow" tests/unit

.PHONY: test
test: .venv/.dev node_modules/.installed browser $(VITAL)  ## Run the whole suite, with its coverage gates
	@$(BIN)/coverage erase
	@$(BIN)/python -m pytest -p tests.no_skips -n $(TEST_WORKERS) --dist loadfile --no-loadscope-reorder --durations=40 \
	  --cov --cov-report=
	@echo "== branches of what decides (all)"
	@$(BIN)/coverage report --include '$(VITAL_LIST)' --fail-under 100
	@echo "== everything else (90 %)"
	@$(BIN)/coverage report --omit '$(VITAL_LIST)' --fail-under 90

.PHONY: mutants
mutants: .venv/.dev  ## Seed bugs, one by one, and see that the test that each names catches it (ONLY=name)
	@$(BIN)/python -m tests.mutants $(ONLY)

.PHONY: prove
prove: .venv/.dev  ## Kill, race and break for MINUTES (120), and write docs/proof.md (ONLY=kills, SEED=n)
	@$(BIN)/python -m tests.prove $(addprefix --minutes ,$(MINUTES)) $(addprefix --only ,$(ONLY)) \
	  $(addprefix --seed ,$(SEED))

.PHONY: bench
bench: .venv/.dev  ## Measure: round trips, clicks, deadlines (FULL=1: large sizes too)
	@$(BIN)/python -m bench $(if $(FULL),--full)

.PHONY: bench-peers
bench-peers: .venv/.dev  ## Measure other tools beside it, in one run; they are installed into .bench
	@$(BIN)/python -m bench peers

.PHONY: format
format: .venv/.dev  ## Put the code into the one format
	@$(BIN)/ruff check --quiet --select I,UP --fix .
	@$(BIN)/ruff format .

.PHONY: lock
lock: .venv/.tools  ## Lock what pyproject.toml asks for (UPGRADE=1: in its newest versions)
	@$(LOCK) --group pyproject.toml:build -o requirements/build.txt
	@$(LOCK) pyproject.toml -c requirements/build.txt -o requirements/server.txt
	@$(LOCK) sdk/pyproject.toml -c requirements/server.txt -o requirements/agents.txt
	@$(LOCK) pyproject.toml sdk/pyproject.toml --group pyproject.toml:dev $(addprefix -c ,$(LOCKS)) \
	  -o requirements/dev.txt
	@echo "Locked: requirements/{build,server,agents,dev}.txt"

.PHONY: browser
browser:  ## Install Chromium for the browser tests, where Debian's package is missing
	@if command -v chromium > /dev/null; then exit 0; fi; \
	if ! command -v apt-get > /dev/null; then \
	  echo "The browser tests need Chromium on the PATH as 'chromium'; please install it." >&2; exit 1; fi; \
	root=; \
	if [ "$$(id -u)" != 0 ]; then \
	  if ! sudo -n true 2> /dev/null; then \
	    echo "The browser tests need Chromium; please run: sudo apt-get install chromium" >&2; exit 1; fi; \
	  root="sudo"; fi; \
	$$root apt-get update -qq && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -qq --yes --no-install-recommends chromium > /dev/null

.PHONY: clean
clean:  ## Remove what the commands left behind, except what is installed
	@rm -rf .coverage .coverage.* .demo .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache \
	  build dist htmlcov
	@find . -name __pycache__ -not -path './.venv/*' -not -path './node_modules/*' -prune -exec rm -rf {} +

# --- what is installed -----------------------------------------------------------------------------

# pip installs uv; uv, which checks hashes in parallel, installs the rest.
.venv/.tools: requirements/build.txt
	@for python in $(PYTHONS); do \
	  if "$$python" -c 'import sys, ensurepip; sys.exit(sys.version_info < (3, 11))' 2> /dev/null; then \
	    found="$$python"; break; fi; \
	done; \
	if [ -z "$${found-}" ]; then \
	  echo "Andon needs Python 3.11 or newer with its venv module; name yours: make PYTHON=/path/to/python" >&2; \
	  exit 1; fi; \
	if [ ! -x $(BIN)/python ]; then "$$found" -m venv .venv; fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

# What serves and what the demo runs: a developer's environment already has it all.
.venv/.runtime: .venv/.tools requirements/server.txt requirements/agents.txt pyproject.toml sdk/pyproject.toml
	@$(INSTALL) --require-hashes -r requirements/server.txt -r requirements/agents.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable . --editable sdk
	@touch $@

.venv/.dev: .venv/.tools requirements/dev.txt pyproject.toml sdk/pyproject.toml
	@$(SYNC) --require-hashes requirements/build.txt requirements/dev.txt
	@$(INSTALL) --no-deps --no-build-isolation --editable . --editable sdk
	@touch .venv/.runtime $@

node_modules/.installed: package-lock.json
	@if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2> /dev/null; then \
	  echo "The demo and the browser tests need Node 20 or newer." >&2; exit 1; fi
	@npm ci --silent --no-audit --no-fund
	@touch $@
