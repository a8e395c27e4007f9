# Two commands: `make demo` shows Loa at work, `make test` proves it. Each does its own set-up.
.PHONY: help demo test setup check format benchmarks messages clean
PY := .venv/bin/python

help:            ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/'

demo: setup      ## controller, broker and three receivers on this machine; open the address it prints
	@$(PY) -m loa demo $(ARGS)

test: setup-tests ## all tests, with a real broker, a real browser, a real PostgreSQL
	@$(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder $(ARGS)

setup:           ## system packages and .venv, nothing else
	@scripts/setup

.PHONY: setup-tests
setup-tests:
	@scripts/setup --tests

.PHONY: sync-check sync-check-live
sync-check: sync-check-live      ## how far apart receivers sound, 14 s of a clip on a clean network, of a live stream on 4G; fails beyond 3 x the promise
	@$(PY) benchmarks/sync.py --player loa --stored --profile clean --settle 10 --warm 6 --seconds 14 --limit

sync-check-live: ## the live stream on 4G alone, as CI does
	@scripts/setup --rig
	@$(PY) benchmarks/sync.py --player loa --live --profile 4g --settle 10 --warm 6 --seconds 14 --limit

check: setup-tests ## format, lint, strict types, import directions
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports

format: setup-tests ## put the code into its form
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .
