"""One module a command of the `refine` command line. To add one: export `command`, a click command."""
