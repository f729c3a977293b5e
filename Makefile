# Two commands do everything: `make evals` and `make test`. Both set up what they need first.
#   make evals [APPS=path/to/apps] [N=2] [ARGS="--gate=..."]
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
N ?= 2
ARGS ?=
APPS ?=
# uv from PATH; where it is missing, a private copy bootstrapped with pip.
UV := $(shell command -v uv 2>/dev/null || echo .cache/uv/bin/uv)

.PHONY: help env browser evals evals-all test test-all test-hostile test-warehouse bench-warehouse lint lock docs manifest clean

help:
	@echo "make evals               evaluate the bundled example apps; the verdicts must equal their expected.toml"
	@echo "make evals-all           the same for example apps of every kind"
	@echo "make evals APPS=DIR      evaluate your own apps"
	@echo "make test                the harness's own tests        make test-all   the slow ones too"
	@echo "make test-hostile        attacks on every sandbox that this machine offers"
	@echo "make test-warehouse      the warehouse with real clients   make bench-warehouse   how fast and small it is"
	@echo "make lint                ruff and mypy                  make lock       renew requirements.lock"
	@echo "make env, make browser   only set up                    make docs       renew docs/METRICS.md"

.cache/uv/bin/uv:
	@echo "uv is not installed; making a private copy with pip"
	@$(PYTHON) -m venv .cache/uv || { echo "Python's venv is missing: on Debian, apt-get install -y python3-venv"; exit 1; }
	@.cache/uv/bin/pip install -qq --disable-pip-version-check uv==0.13.9

$(BIN)/.ready: requirements.lock pyproject.toml $(if $(findstring .cache/uv,$(UV)),.cache/uv/bin/uv)
	@test -x $(BIN)/python || $(UV) venv --quiet --python '>=3.11' $(VENV)
	@$(UV) pip sync --quiet --require-hashes --python $(BIN)/python requirements.lock
	@$(UV) pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	@touch $@

env: $(BIN)/.ready

browser: env
	@$(BIN)/appeval browser || true

# Bundled apps: 0 exactly when every verdict is as expected. Your own: 0 when nothing of ours broke.
evals: browser
	@status=0; $(BIN)/python -m pytest evals/ -n $(N) $(if $(APPS),--apps='$(APPS)') $(ARGS) || status=$$?; \
	if [ $$status -ge 2 ] && [ $$status -le 4 ]; then exit $$status; fi; \
	$(if $(APPS),exit 0,$(BIN)/appeval verify)

# The bundled apps of every kind; the large ones only by name (APPS=fixtures/families/NAME) or in `make test-all`.
evals-all: browser
	@status=0; $(BIN)/python -m pytest evals/ -n $(N) --apps=fixtures/apps --apps=fixtures/families $(ARGS) || status=$$?; \
	if [ $$status -ge 2 ] && [ $$status -le 4 ]; then exit $$status; fi; \
	$(BIN)/appeval verify

test: browser
	@$(BIN)/python -m pytest -n $(N) -m "not slow" $(ARGS)

test-all: browser lint
	@$(BIN)/python -m pytest -n $(N) $(ARGS)

# Attacks on every sandbox that this machine offers; it prints which were skipped and why.
test-hostile: browser
	@$(BIN)/python -m pytest tests/conformance/hostile tests/conformance/test_confinement.py -rs -q $(ARGS)

test-warehouse: env
	@$(BIN)/python -m pytest tests/conformance/warehouse tests/unit/fixtures/warehouse -q $(ARGS)

bench-warehouse: env
	@$(BIN)/python -m benchmarks.warehouse

lint: env
	@$(BIN)/ruff check .
	@$(BIN)/mypy

lock:
	@$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 --extra dev \
		--output-file requirements.lock pyproject.toml

docs: env
	@$(BIN)/appeval docs

manifest: env
	@$(BIN)/appeval manifest edda_templates/trpc_react -o edda_templates/manifests/trpc_react.json

clean:
	@rm -rf $(VENV) .cache runs
