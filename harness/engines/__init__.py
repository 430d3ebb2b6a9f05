"""One module an engine. To add one: export `PLUGIN`, a `harness.protocols.Engine`."""
