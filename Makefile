# make demo    set up, then denoise a real picture and show what changed
# make test    set up, then every check that CI runs
# make night   set up, then the laws of the diagnosis on 500 random examples each: about twenty minutes
# make docs    set up, then build the documentation as a site: docs/_build/html/index.html
# make clean   remove what these made
#
# Variables: PYTHON=python3.12 picks the interpreter. TORCH_ARGS is passed to the pip that installs torch, for
# instance an --index-url with CPU builds; by default pip's own settings decide where torch comes from.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: demo test night lint unit docs clean help

# Paths are relative, so that a folder name with spaces does no harm.
VENV := .venv
RUN := $(VENV)/bin/python
PYTHON ?=
TORCH_ARGS ?=
TORCH := $(shell grep '^torch==' constraints.txt)
PYTEST_ARGS ?= -n 2

# One thread per process: pytest runs two processes, and results must not depend on the number of cores.
test night lint unit: export OMP_NUM_THREADS := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:
	@sed -n '1,5s/^# //p' Makefile

demo: $(VENV)/.ready
	$(VENV)/bin/pellucid demo

test: lint unit

# Without a network: equations are MathML, scripts and fonts are those of the theme. Warnings are errors.
docs: $(VENV)/.ready-docs
	$(RUN) -m sphinx -q -W --keep-going -b html -c docs . docs/_build/html
	@echo docs/_build/html/index.html

lint: $(VENV)/.ready-dev
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports

unit: $(VENV)/.ready-dev
	$(RUN) -m pytest $(PYTEST_ARGS)

night: $(VENV)/.ready-dev
	PELLUCID_NIGHT=1 $(RUN) -m pytest $(PYTEST_ARGS) tests/noise/test_laws.py

# The environment. An interpreter that is too old is refused here, before pip says so in twenty lines.
$(VENV)/bin/python:
	@for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "setting up $(VENV) with $$("$$p" --version)"; \
	    rm -rf $(VENV); "$$p" -m venv $(VENV) && exit 0; exit 1; \
	  fi; \
	done; \
	echo "make: no Python 3.11 or newer found. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1

# torch first and alone, so that TORCH_ARGS reaches nothing else.
$(VENV)/.torch: constraints.txt | $(VENV)/bin/python
	$(RUN) -m pip install -q $(TORCH_ARGS) '$(TORCH)' -c constraints.txt
	@touch $@

$(VENV)/.ready: pyproject.toml $(VENV)/.torch
	$(RUN) -m pip install -q -e . -c constraints.txt
	@touch $@

$(VENV)/.ready-docs: pyproject.toml $(VENV)/.torch
	$(RUN) -m pip install -q -e '.[docs]' -c constraints.txt
	@touch $@ $(VENV)/.ready

# spandrel without torchvision, which it names and which does not import beside every build of torch: nothing that
# is tested here needs it.
$(VENV)/.ready-dev: pyproject.toml $(VENV)/.torch
	$(RUN) -m pip install -q -e '.[dev]' -c constraints.txt
	$(RUN) -m pip install -q --no-deps spandrel einops -c constraints.txt
	@touch $@ $(VENV)/.ready $(VENV)/.ready-docs

clean:
	rm -rf $(VENV) demo-output docs/_build build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -rf src/*.egg-info
