# `make` alone says what there is. Each target sets up what it needs.

VENV := .venv
PYTHON := $(VENV)/bin/python
PIP := $(PYTHON) -m pip --disable-pip-version-check --quiet --no-input
UV ?= uv
PIN_ALONE := pip compile --quiet --universal --python-version 3.11 --generate-hashes \
             --no-header --no-annotate --no-emit-index-url --no-emit-find-links
PIN := $(PIN_ALONE) pyproject.toml

# Mailgun's own SDK, which benchmarks are held against, has the name of a room here: so it lives elsewhere.
SDK := $(VENV)-sdk

# It keeps all cores busy with bots that die: after the others, which wait for their own bots.
LAST := tests/crashes/test_crashes_tenth.py

.DEFAULT_GOAL := help
.PHONY: help drill test check crash soak bench requirements clean

help:
	@echo "make drill           practise a recovery on this machine, on a page to click on"
	@echo "make drill AUTO=1    the same, played by actors; the transcript is printed (SCENARIO=disabled: with a dead key)"
	@echo "make test            all tests"
	@echo "make check           style, types, and which room may import which"
	@echo "make crash           kill the bot at every request of a recovery (TENTH=1: at a tenth of them)"
	@echo "make soak            a hundred recoveries in which a fifth of all requests fail (SEED=17: that one again)"
	@echo "make bench           how fast it is, against what people would use instead (ONLY=containment: one part)"
	@echo "make requirements    pin the requirements anew (needs uv)"
	@echo "make clean           take away what was installed and what tools keep"

drill: $(VENV)/drill.stamp
	@$(PYTHON) bot.py drill $(if $(AUTO),--auto) $(if $(PORT),--port $(PORT)) $(if $(SCENARIO),--scenario $(SCENARIO))

test: $(VENV)/dev.stamp
	$(PYTHON) -m pytest $(if $(TESTS),$(TESTS),--ignore=$(LAST))
	$(if $(TESTS),,$(PYTHON) -m pytest -n 0 $(LAST))

check: $(VENV)/dev.stamp
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports

# ONLY repeats one case, by its name or a part of it; SEED says which tenth.
crash: $(VENV)/dev.stamp
	@$(PYTHON) -W ignore:XDG_RUNTIME_DIR -m tests.crashes $(if $(TENTH),--tenth) $(if $(SEED),--seed $(SEED)) \
	    $(if $(ONLY),--only "$(ONLY)")

soak: $(VENV)/dev.stamp
	@$(PYTHON) -W ignore:XDG_RUNTIME_DIR -m tests.soak $(if $(SEED),--seed $(SEED))

bench: $(VENV)/dev.stamp $(SDK)/sdk.stamp
	@$(PYTHON) -W ignore:XDG_RUNTIME_DIR -m benchmarks $(ONLY)

requirements:
	$(UV) $(PIN) --output-file requirements/run.txt
	$(UV) $(PIN) --extra leaks --output-file requirements/leaks.txt
	$(UV) $(PIN) --group drill --output-file requirements/drill.txt
	$(UV) $(PIN) --group drill --group dev --output-file requirements/dev.txt
	$(UV) $(PIN_ALONE) --group pyproject.toml:sdk --output-file requirements/sdk.txt

clean:
	rm -rf $(VENV) $(SDK) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than the requirements that it stands for once those are installed.
$(VENV)/%.stamp: requirements/%.txt | $(VENV)/bin/python
	@echo "Installing the requirements of $*, once ..."
	@$(PYTHON) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m ensurepip >/dev/null
	@$(PIP) install --require-hashes -r $<
	@touch $@

$(SDK)/sdk.stamp: requirements/sdk.txt | $(VENV)/bin/python
	@echo "Installing Mailgun's SDK apart from the rest, once ..."
	@$(PYTHON) -m venv $(SDK)
	@$(SDK)/bin/python -m pip install --disable-pip-version-check --quiet --no-input --require-hashes -r $<
	@touch $@

# A name on the PATH is no proof: the interpreter is asked for its version, and for what a venv needs.
$(VENV)/bin/python:
	@for python in python3.13 python3.12 python3.11 python3; do \
	    if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        exec $$python -m venv $(VENV); \
	    fi; \
	done; \
	echo "Python 3.11 or newer is needed, with its venv module, and none was found." >&2; \
	echo "On Debian and Ubuntu: apt install python3 python3-venv. On a Mac: brew install python@3.13." >&2; \
	exit 1
