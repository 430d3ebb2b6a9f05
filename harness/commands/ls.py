"""`harness ls`: short for `harness list`."""

import copy

from harness.commands.list import command as shown

command = copy.copy(shown)
command.hidden = True
