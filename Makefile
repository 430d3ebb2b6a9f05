# Each target is a command a person could type; `make run` and `make test` set up .venv by themselves.
VENV := .venv
BIN := $(VENV)/bin
MODEL ?= tiny

.PHONY: setup run test check bench
setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || python3 -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt $(shell sed -n 's/^torch==/torch==/p' constraints.txt)
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	touch $@

run: setup
	$(BIN)/harness data fetch bfcl
	$(BIN)/harness run --model $(MODEL) --tasks simple_python --limit 50
	$(BIN)/harness leaderboard results/

test: setup
	$(BIN)/harness data fetch bfcl
	$(BIN)/python -m pytest -n auto

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.bench
