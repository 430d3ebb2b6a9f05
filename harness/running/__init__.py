"""Samples are played and judged: by a model, or again from what was recorded.

`selection` and `options` turn what a user typed into a `RunSpec`, `plan` finds out what it would do, `runner` does it
with `scheduler`, `episodes` and `judges`; `rejudging` and `retelling` go through a recorded run once more.
"""
