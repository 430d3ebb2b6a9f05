"""No function at all."""

f = None
