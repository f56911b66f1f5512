# Florin on one machine. Needs make, git and Python >= 3.11; everything else comes from the package index
# into .venv. Works with GNU make 3.81 and any POSIX shell.
#
#   make run     start everything, hold the terminal, Ctrl-C stops it      make up / make down   without the terminal
#   make demo    a month of payments through the official SDK              make bench            load and limits
#   make gate    is it still as fast as recorded                           make bench-full       all there is to measure
#   make test    every test, on services of its own                        make check            format, lint, types, contracts

.DEFAULT_GOAL := help
.PHONY: help venv run up down status logs demo test check format bench bench-full gate lock docs clean

PY := .venv/bin/python
# Each of these has servers and data of its own, beside those of `make run`.
TEST := env FLORIN_STATE_DIR="$(CURDIR)/.florin/test"
CHECK := env FLORIN_STATE_DIR="$(CURDIR)/.florin/check"
BENCH := env FLORIN_STATE_DIR="$(CURDIR)/.florin/bench"
# Ctrl-C is for what runs; the servers are taken down all the same.
STAY := trap : INT TERM;
# What pytest gets: make test ARGS="tests/ledger -k closed"
ARGS ?=

help:
	@sed -n 's/^#   //p' Makefile

venv:
	@sh scripts/bootstrap.sh

run: venv
	@exec $(PY) -m devservices run

up: venv
	@$(PY) -m devservices up

down:
	@if [ -x $(PY) ]; then $(PY) -m devservices down; fi

status: venv
	@$(PY) -m devservices status

logs: venv
	@exec $(PY) -m devservices logs

demo: venv
	@$(PY) -m devservices status >/dev/null || $(PY) -m devservices up
	@$(PY) manage.py demo

test: venv
	@$(TEST) $(PY) -m devservices services-up
	@$(STAY) $(TEST) $(PY) -m pytest -n 2 --dist loadfile $(ARGS); code=$$?; $(TEST) $(PY) -m devservices services-down; exit $$code

check: venv
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy .
	.venv/bin/lint-imports
	$(PY) -m scripts.lints
	@$(CHECK) $(PY) -m devservices services-up
	@$(CHECK) sh -c '$(PY) manage.py makemigrations --check --dry-run && $(PY) -m scripts.migrations && $(PY) -m scripts.docs --check'; \
		code=$$?; $(CHECK) $(PY) -m devservices services-down; exit $$code

format: venv
	@$(PY) -m ruff format .
	@$(PY) -m ruff check --fix .

# The database and Redis of their own; the contenders are started and stopped by the benchmark.
bench: venv
	@$(BENCH) $(PY) -m devservices services-up
	@$(STAY) $(BENCH) $(PY) -m benchmarks $(ARGS); code=$$?; $(BENCH) $(PY) -m devservices services-down; exit $$code

# Fails where a hot endpoint is slower, beside its twin and the database's limit, than 75 % of what is recorded.
gate: venv
	@$(BENCH) $(PY) -m devservices services-up
	@$(STAY) $(BENCH) $(PY) -m benchmarks.gate $(ARGS); code=$$?; $(BENCH) $(PY) -m devservices services-down; exit $$code

# Histories of so many payments; with less than 50 GB free: make bench-full HISTORIES=100000,1000000
HISTORIES ?= 100000,10000000
bench-full: venv
	@$(BENCH) $(PY) -m devservices services-up
	@$(STAY) $(BENCH) sh -c '$(PY) -m benchmarks.growth --load $(HISTORIES) --room && $(PY) -m benchmarks --parts all --minutes 25 $(ARGS) \
		&& $(PY) -m benchmarks.growth --load $(HISTORIES)'; code=$$?; $(BENCH) $(PY) -m devservices services-down; exit $$code

docs: venv
	@$(CHECK) $(PY) -m devservices services-up
	@$(CHECK) $(PY) -m scripts.docs; code=$$?; $(CHECK) $(PY) -m devservices services-down; exit $$code

# Pins every package with its hashes; run it after a change to requirements/*.in, on the oldest Python we support.
lock: venv
	@for name in base dev; do \
		$(PY) -m piptools compile --quiet --strip-extras --generate-hashes --allow-unsafe --no-emit-index-url \
			--no-emit-trusted-host --no-emit-find-links --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done

# Stops the stacks of this repository and deletes their data; the virtual environment stays.
clean:
	@if [ -x $(PY) ]; then \
		for stack in test check bench; do FLORIN_STATE_DIR=.florin/$$stack $(PY) -m devservices destroy; done; \
		$(PY) -m devservices destroy; \
	fi
	@rm -rf .florin .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
