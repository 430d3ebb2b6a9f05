"""One module a handler. To add one: export `PLUGIN`, a `harness.protocols.Handler`."""
