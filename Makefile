# Every target does its own set-up from a clean clone; a second call of `make setup` has nothing to do.
# PYTHON=... names the interpreter to build the environment with; without it the first of 3.11 or newer is taken.

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
WORKERS ?= auto
DEMO := demo

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint format bench pins

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '%-8s %s\n' "$$name" "$$what"; done

setup: $(READY) ## make .venv with the pinned dependencies and stillwatch in its bin

# PySpark comes as source: it is built with the pinned tools too, not with whatever an isolated build would fetch.
$(READY): requirements/build.txt requirements/dev.txt pyproject.toml
	@set -e; if [ ! -x $(BIN)/python ]; then \
	  for python in $(PYTHON) python3.11 python3.12 python3.13 python3; do \
	    if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then echo 'make: no Python 3.11 or newer was found; name one with PYTHON=...' >&2; exit 1; fi; \
	  "$$found" -m venv $(VENV); \
	fi
	$(INSTALL) --require-hashes -r requirements/build.txt
	$(INSTALL) --require-hashes --no-build-isolation -r requirements/dev.txt
	$(INSTALL) --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: setup ## one campaign over three providers and a hub: found, shared, confirmed, stopped, appealed, audited
	@rm -rf $(DEMO)
	$(BIN)/stillwatch demo --out $(DEMO)

test: setup ## run every test, on all cores (WORKERS=1 for one)
	@# One test process a core is enough: threads of small linear algebra would only wait for each other.
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

lint: setup ## style, types and the import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## rewrite the sources in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## measure everything that docs/benchmarks.md reports
	$(BIN)/python -m benchmarks

# The public registry alone is asked, whatever this machine is configured to use, so that the hashes are everybody's.
COMPILE = env -u PIP_FIND_LINKS -u PIP_INDEX_URL -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null CUSTOM_COMPILE_COMMAND='make pins' \
  $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras \
  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links $(UPGRADE)

pins: ## pin the dependencies anew after a change to pyproject.toml (UPGRADE=--upgrade for newer ones)
	$(COMPILE) --all-extras --all-build-deps --output-file requirements/dev.txt pyproject.toml
	printf 'pip\nsetuptools\nwheel\n' | $(COMPILE) --constraint requirements/dev.txt --output-file requirements/build.txt -
	$(COMPILE) --constraint requirements/dev.txt --output-file requirements/core.txt pyproject.toml
	$(COMPILE) --constraint requirements/dev.txt --extra spark --output-file requirements/spark.txt pyproject.toml
