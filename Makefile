# Everything a checkout can do, on a machine with make and Python 3.11 to 3.13. Paths are relative: the folder's own
# path may hold spaces.

PYTHON := .venv/bin/python
INSTALLED := .venv/installed
PIP := $(PYTHON) -m pip --quiet --disable-pip-version-check --no-input
# Bytecode is made when a module is first imported, which spares half of the installation.

.DEFAULT_GOAL := install
.PHONY: install demo test lint bench

install: $(INSTALLED)  ## .venv with everything, `trackai` in .venv/bin

demo: install  ## the whole system on sample data; ARGS="--exit" ends after the report
	@$(PYTHON) -m trackai_pipelines.cli demo $(ARGS)

test: install  ## all tests and the coverage they reach
	@$(PYTHON) -m pytest -n 2 --cov=trackai_pipelines --cov-report=term-missing:skip-covered --cov-fail-under=90 $(ARGS)

lint: install  ## style, format, types
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy

bench: install  ## how fast it is here; ARGS="throughput --scale full" chooses what and how much
	@$(PYTHON) -m benchmarks $(ARGS)

# Installed anew only when what is installed changed.
$(INSTALLED): requirements.txt pyproject.toml
	@set -e; \
	fits='import sys, ensurepip, venv; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; \
	if ! $(PYTHON) -c "$$fits" 2>/dev/null; then \
		found=; \
		for candidate in python3.13 python3.12 python3.11 python3 python; do \
			if "$$candidate" -c "$$fits" 2>/dev/null; then found=$$candidate; break; fi; \
		done; \
		if [ -z "$$found" ]; then \
			echo "No Python 3.11, 3.12 or 3.13 with its venv module was found. Install one (Debian: python3 python3-venv)." >&2; \
			exit 1; \
		fi; \
		echo "Making .venv with $$($$found --version)"; \
		"$$found" -m venv --clear .venv; \
	fi
	@echo "Installing packages into .venv"
	@$(PIP) install --no-compile --require-hashes -r requirements.txt
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $(INSTALLED)
