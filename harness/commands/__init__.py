"""One module a command of the `harness` command line. To add one: export `command`, a click command.

Modules whose names begin with an underscore are what commands share.
"""
