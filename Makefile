# Stageboard. `make` alone lists what there is.

PYTHON ?= python3
PORT ?= 8000
FILE ?= stageboard.dump
VENV = .venv
MANAGE = $(VENV)/bin/python manage.py
PIP = $(VENV)/bin/python -m pip install --disable-pip-version-check --no-input
LONG_CHECKS = PYTHONPATH=. $(VENV)/bin/mypy && $(MANAGE) makemigrations --check --dry-run && $(MANAGE) check

# The environment is made anew when one of these changes; the stamp carries their checksum.
PINS = requirements/base.txt requirements/test.txt requirements/dev.txt requirements/constraints.txt pyproject.toml
STAMP = $(VENV)/.stageboard-$(shell cat $(PINS) | sha256sum | cut -c1-16)

.DEFAULT_GOAL = help
.PHONY: help setup demo serve test check lint types format bench backup restore clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 18

setup: $(STAMP) ## make .venv with the pinned requirements, and the browser's files
	@:

# build_assets needs settings but no database, so it is told of one that it never asks.
$(STAMP):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Stageboard needs Python 3.11 or later; name it with PYTHON=python3.11"; exit 1; }
	@test -x $(VENV)/bin/python || { echo "Making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned requirements (a few minutes the first time)"
	@rm -f $(VENV)/.installed
	@{ $(PIP) --progress-bar off -r requirements/dev.txt -c requirements/constraints.txt && touch $(VENV)/.installed; } \
		| awk '/^Collecting/ && ++n % 20 == 0 {print "  " n " packages found"} /^Installing collected/ {print "  writing them"} {fflush()}'
	@test -f $(VENV)/.installed || { echo "pip did not succeed; its reason stands above"; exit 1; }
	@$(PIP) --quiet --no-build-isolation --no-deps --editable .
	@DATABASE_URL=postgresql:///none SECRET_KEY=none $(MANAGE) build_assets
	@rm -f $(VENV)/.stageboard-*
	@touch $@

demo: setup ## start everything with demo data at http://localhost:$(PORT); Ctrl-C stops it
	@exec $(MANAGE) serve --demo --port $(PORT)

serve: setup ## the same without demo data
	@exec $(MANAGE) serve --port $(PORT)

# The checks that take long run beside the tests; what they say stands below those where they find something.
test: lint ## all tests and checks
	@said=$$(mktemp); trap 'rm -f "$$said"' EXIT; \
	{ $(LONG_CHECKS); } >"$$said" 2>&1 & checks=$$!; \
	PGOPTIONS="-c synchronous_commit=off" $(VENV)/bin/pytest -n 2 --dist loadgroup $(PYTEST); tests=$$?; \
	wait $$checks || { cat "$$said"; exit 1; }; \
	exit $$tests

check: lint ## lint, types, layers, migrations and templates, without the tests
	$(LONG_CHECKS)

lint: setup
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports
	$(VENV)/bin/djlint --lint --quiet portal stages metrics telemetry

types: setup
	PYTHONPATH=. $(VENV)/bin/mypy

format: setup ## put the code into its form
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

bench: setup ## the benchmarks; writes docs/performance.md
	$(VENV)/bin/python -m tests.bench $(BENCH)

backup: setup ## write the database into FILE=…
	@$(MANAGE) backup $(FILE)

restore: setup ## fill the database from FILE=… (FORCE=1 replaces what is there)
	@$(MANAGE) restore $(FILE) $(if $(FORCE),--force)
