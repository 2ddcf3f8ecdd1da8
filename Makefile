# Everything a developer runs. `make demo` and `make test` need Python 3.11 or newer and a network, nothing else.
VENV ?= .venv
PARTS := $(CURDIR)/.parts
PY := $(VENV)/bin/python
# The unit suite runs on every core; what starts servers has the machine to itself.
UNITS = $(PY) -m pytest -q -m "not servers" -n auto --dist worksteal
UV_VERSION := 0.13.9
export VENV
export PATH := $(PARTS)/bin:$(PATH):/usr/local/go/bin

.PHONY: help demo test test-all lint texts bench soak lock clean venv venv-test
.DEFAULT_GOAL := help

help:
	@echo 'make demo      a sample city, served at http://127.0.0.1:8080 (ARGS="--port 9000" and the like are passed on)'
	@echo 'make test      the tests that start no servers, in some minutes; what is missing is skipped by name'
	@echo 'make test-all  installs PostgreSQL, Chromium, OPA, Regal and Node parts, then lint and every test that make test leaves out'
	@echo 'make lint      ruff, mypy, and Regal where it is'
	@echo 'make texts     bring the Spanish catalogue of the console up to date: new texts empty, old ones dropped'
	@echo 'make bench     throughput beside an ungated twin, as JSON'
	@echo 'make soak      200 times kill -9, ten minutes of mixed load (SOAK_SECONDS=600), and the log as it grows to ten million'
	@echo '               entries (SOAK_SIZES=1000000,10000000); half an hour and 21 GB of disk. Writes build/growth/'
	@echo 'make lock      write deploy/locks/ anew'
	@echo 'make clean     remove what make has made'

venv:
	@deploy/venv runtime

venv-test:
	@deploy/venv test

demo: venv
	@$(VENV)/bin/gatekeeper demo $(ARGS)

test: venv-test
	$(UNITS) $(ARGS)

# Every test that `make test` leaves out or may skip: what starts servers, and what needs a part that it installs.
# Parts that cannot be had are named at the start; their checks are then skipped by name.
test-all: venv-test
	deploy/install-test-parts
	$(MAKE) lint
	@if [ -s $(PARTS)/missing ]; then echo 'Not checked here:'; sed 's/^/  /' $(PARTS)/missing; fi
	GATEKEEPER_TEST_ALL=1 $(PY) -m pytest -q -m "servers or needs" $(ARGS)

lint: venv-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check --quiet .
	$(VENV)/bin/mypy
	@if command -v regal >/dev/null 2>&1; then regal lint policies; \
	else echo 'SKIPPED: Regal is not on this machine; the policies were not linted by it'; fi

texts: venv-test
	$(PY) -m tests.console.texts

bench: venv-test
	$(PY) -m tests.benchmarks exchange $(ARGS)
	$(PY) -m tests.benchmarks engines $(ARGS)

SOAK_SECONDS ?= 600
SOAK_KILLS ?= 200
SOAK_SIZES ?= 1000000,10000000
# 200 rounds take longer than the suite lets one test take; the growth wants 21 GB of disk for a while.
soak: venv-test
	GATEKEEPER_TEST_KILLS=$(SOAK_KILLS) $(PY) -m pytest -q -o faulthandler_timeout=3600 tests/store/test_sudden_death.py
	$(PY) -m tests.benchmarks soak --seconds $(SOAK_SECONDS) $(ARGS)
	$(PY) -m tests.benchmarks growth --sizes $(SOAK_SIZES) --out build/growth

# One resolution for Python 3.11 and newer on every system; wheels only, each by hash.
lock: venv-test
	$(PY) -m pip install --quiet uv==$(UV_VERSION)
	deploy/locks/make

clean:
	rm -rf $(VENV) $(PARTS) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage tests/*/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
