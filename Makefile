# The commands of Fundline. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# A machine's own uv is used when there is one; otherwise the locked one is installed into the environment.
UV := $(or $(shell command -v uv 2>/dev/null),$(BIN)/uv)
LOCKS := requirements/build.lock requirements/runtime.lock requirements/stack.lock
# A person sees uv's progress; a log file does not need it.
QUIET := $(shell [ -t 2 ] || echo --quiet)
# Compiled once, here and where our own modules are first imported, not by each of a dozen processes at each start.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(UV) pip install --compile-bytecode $(QUIET) --python $(BIN)/python --require-hashes
# Workers for the tests that mostly wait for engines: each has its own. The fleet's tests come afterwards, and beside them
# the stack on small disks (ADR 0050, ADR 0067).
SIDE_BY_SIDE := -n 3
FLEET := -n 2 tests/e2e tests/chaos
OFFLINE = { echo "The packages could not be installed: check the network or your package index settings, then repeat the same command." >&2; exit 1; }

.PHONY: help
help: ## list the commands
	@awk 'BEGIN {FS = ":.*## "; print "Fundline. First try `make up` or `make demo`.\n"} \
	  /^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

.PHONY: up
up: $(VENV)/.up ## bring everything up in the foreground; Ctrl-C drains and stops it
	@exec $(BIN)/fundline up

.PHONY: demo
demo: $(VENV)/.up ## N=200 real loans through a private stack, then three checks (FORMAT=json, CHAOS=kill, DEMO_URL=)
	@exec $(BIN)/fundline demo

.PHONY: status
status: $(VENV)/.up ## show the running fleet
	@exec $(BIN)/fundline status

.PHONY: down
down: $(VENV)/.up ## stop a stack that runs in another terminal
	@exec $(BIN)/fundline down

.PHONY: reset
reset: $(VENV)/.up ## wipe the data of a stopped stack (YES=1 does not ask)
	@exec $(BIN)/fundline reset $(if $(YES),--yes)

.PHONY: test
test: $(VENV)/.dev ## every test: unit, integration on the real engines, contract, end to end (ARGS= for pytest)
ifneq ($(strip $(ARGS)),)
	@exec $(BIN)/pytest $(ARGS)
else
	@failed=0; \
	$(BIN)/pytest $(SIDE_BY_SIDE) tests/unit tests/contract tests/integration || failed=1; \
	$(BIN)/pytest $(FLEET) || failed=1; \
	exit $$failed
endif

.PHONY: check
check: lint ## format, lint, types, import rules, generated pages, unit tests
	$(BIN)/pytest -n 2 tests/unit

.PHONY: lint
lint: $(VENV)/.dev ## the same without the tests
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m fundline.manual --check
	$(BIN)/python .githooks/commit_messages.py

.PHONY: fmt
fmt: $(VENV)/.dev ## format the code and mend what can be mended
	$(BIN)/ruff check --fix --quiet .
	$(BIN)/ruff format --quiet .

.PHONY: bench
bench: $(VENV)/.dev ## one JSON object: every figure beside its limit, measured in the same run
	@PYTHONPATH=tests exec $(BIN)/python -m load.bench

.PHONY: chaos
chaos: $(VENV)/.dev ## break parts under load; the checks must still hold (SCENARIO=money, liveness or locks, SEEDS=50)
	@if [ -z "$(SCENARIO)" ]; then exec $(BIN)/pytest -n 2 tests/chaos $(ARGS); fi; \
	case "$(SCENARIO)" in money|liveness|locks) ;; *) echo "There is no scenario $(SCENARIO); SCENARIO is money, liveness, locks, or empty for all tests of tests/chaos." >&2; exit 2;; esac; \
	PYTHONPATH=tests exec $(BIN)/python -m chaos.$(SCENARIO)

.PHONY: mutants
mutants: $(VENV)/.dev ## small faults that the tests must notice (ENGINES=1: by hand, on the engines; NAME= some of them)
	@if [ -n "$(ENGINES)" ]; then PYTHONPATH=tests exec nice -n 19 $(BIN)/python -m mutants.by_hand $(NAME); fi; \
	nice -n 19 $(BIN)/mutmut run --max-children 1 $(NAME) && $(BIN)/mutmut results

.PHONY: train
train: $(VENV)/.up ## fit the risk models from the loans, write their artefacts and cards (the same bytes each time)
	@exec $(BIN)/python -m fundline.risk.training

.PHONY: docs
docs: $(VENV)/.dev ## regenerate what is generated: event schemas, OpenAPI, metric list
	@exec $(BIN)/python -m fundline.manual

.PHONY: install
install: $(VENV)/.dev ## the virtual environment with everything in it, and the hook for commits (also: make venv)
	@if [ -e .git ] && ! git config core.hooksPath >/dev/null 2>&1; then git config core.hooksPath .githooks || true; fi

.PHONY: venv
venv: install

.PHONY: lock
lock: $(BIN)/python ## resolve requirements/*.in into hash-locked files (UPGRADE=1 for newer versions)
	$(call COMPILE,build,)
	$(call COMPILE,runtime,)
	$(call COMPILE,stack,-c requirements/runtime.lock)
	$(call COMPILE,dev,-c requirements/runtime.lock -c requirements/stack.lock)

define COMPILE
$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-emit-find-links --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) $(2) \
  requirements/$(1).in --output-file requirements/$(1).lock
endef

# --- the virtual environment: each stamp file says what is already installed -------------------------------

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Fundline needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1 || true); set PYTHON to a newer one, for example make up PYTHON=python3.12." >&2; exit 1; }
	@echo "Creating the virtual environment in $(VENV)" >&2
	@if [ "$(UV)" != "$(BIN)/uv" ]; then $(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV); \
	else $(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	  echo "Python's venv module is incomplete here: install the package python3-venv, or uv, then repeat the same command." >&2; exit 1; }; fi

$(BIN)/uv: requirements/build.lock | $(BIN)/python
	@echo "Installing uv" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $< >&2 || $(OFFLINE)
	@touch $@

$(VENV)/.up: $(LOCKS) pyproject.toml | $(BIN)/python $(filter $(BIN)/uv,$(UV))
	@echo "Installing Fundline and its engines" >&2
	@$(INSTALL) $(addprefix -r ,$(LOCKS)) >&2 || $(OFFLINE)
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable . >&2
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.up
	@echo "Installing what checks and tests need" >&2
	@$(INSTALL) -r $< >&2 || $(OFFLINE)
	@touch $@
