"""Samples are played and judged: by a model, or again from what was recorded.

`settings` holds what a user can say, `selection` and `options` turn it into a `RunSpec`, `plan` finds out what it would
do, `runner` does it with `scheduler`, `episodes` and `judges`; `rejudging` and `retelling` go through a recorded run
once more.
"""
