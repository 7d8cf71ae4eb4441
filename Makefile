# Everything a checkout can do, on a machine with make and Python 3.11 to 3.13. Paths are relative: the folder's own
# path may hold spaces.

PYTHON := .venv/bin/python
# Stamps: what running needs, and what developing needs.
RUNNING := .venv/installed
DEVELOPING := .venv/installed-dev
# Each process of Dagster would compile all of it again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := install
.PHONY: help install demo test test-fast test-javascript lint schema reference bench lock

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "make %-15s %s\n", $$1, $$2 }'

install: $(RUNNING)  ## .venv with everything that running needs, `trackai` in .venv/bin

demo: $(RUNNING)  ## the whole system on sample data; ARGS="--exit" ends after the report
	@$(PYTHON) -m trackai_pipelines.cli demo $(ARGS)

test: $(DEVELOPING)  ## all tests and the coverage they reach; ARGS="-k circuit" chooses
	@$(PYTHON) -m pytest -n 2 --cov=trackai_pipelines --cov-report=term-missing:skip-covered --cov-fail-under=90 $(ARGS)

test-fast: $(DEVELOPING)  ## the tests that need no server and start no process, in less than a minute
	@$(PYTHON) -m pytest -n 2 -m "not database and not processes and not slow" $(ARGS)

test-javascript: $(DEVELOPING)  ## flags with GrowthBook's and OpenFeature's clients in JavaScript; needs Node and npm
	@npm ci --prefix tests/javascript --no-audit --no-fund
	@$(PYTHON) -m pytest -n 0 tests/javascript/clients_*.py $(ARGS)

lint: $(DEVELOPING)  ## style, types, spelling, who imports whom, statements, declarations, schema.sql
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/codespell
	@PYTHONPATH=. .venv/bin/lint-imports --no-logo
	@.venv/bin/sqruff lint sql
	@.venv/bin/squawk sql/migrations/*.sql
	@$(PYTHON) -m lint.sql_forms
	@$(PYTHON) -m pytest -n 0 tests/test_domains.py tests/lint/test_schema.py

schema: $(DEVELOPING)  ## write sql/schema.sql as the migrations make it
	@$(PYTHON) -m lint.schema > .venv/schema.sql && mv .venv/schema.sql sql/schema.sql

reference: $(DEVELOPING)  ## write docs/commands.md, every command with its options
	@$(PYTHON) -m lint.reference > .venv/commands.md && mv .venv/commands.md docs/commands.md

bench: $(DEVELOPING)  ## how fast it is here; ARGS="throughput --scale full" chooses what and how much
	@$(PYTHON) -m benchmarks $(ARGS)

lock: $(DEVELOPING)  ## write the requirements files; ARGS="--upgrade" takes the newest versions
	@$(PYTHON) packages.py lock $(ARGS)

# Installed again only when what is installed changed. What developing needs includes what running needs.
$(RUNNING): PACKAGES := requirements.txt
$(DEVELOPING): PACKAGES := requirements-dev.txt
$(RUNNING) $(DEVELOPING): .venv/%: pyproject.toml requirements.txt requirements-dev.txt requirements-uv.txt
	@fits='import sys, venv; from importlib.util import find_spec as find; \
	sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 13) and (find("pip") or find("ensurepip"))))'; \
	for python in $(PYTHON) python3.13 python3.12 python3.11 python3 python; do \
		if "$$python" -c "$$fits" 2>/dev/null; then \
			"$$python" packages.py install $(PACKAGES) && touch $(RUNNING) $@; \
			exit; \
		fi; \
	done; \
	echo "No Python 3.11, 3.12 or 3.13 with its venv module was found. Install one (Debian: python3 python3-venv)." >&2; \
	exit 1
