"""Benchmarks: one module a topic, each with a `main` that prints what it measured. `python -m tests.bench` runs all."""

import os

# The peers' packages were compiled when pip installed them; a checkout is compiled by its first run, if it may be.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
