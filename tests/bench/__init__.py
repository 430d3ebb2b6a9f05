"""Benchmarks: `python -m tests.bench [NAME...]` prints the tables of all `bench_*.py`, or of those named."""
