"""One module a command of the `harness` command line. To add one: export `command`, a click command."""
