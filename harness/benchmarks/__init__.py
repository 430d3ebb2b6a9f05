"""One module or package a benchmark. To add one: export `PLUGIN`, a `harness.protocols.Benchmark`."""
