"""A JSON object between double angle brackets, one for each call.

`Family` with one of the rules of `harness.handlers.dialects` is enough for most formats; any object with the members of
`harness.protocols.Dialect` will do.
"""

from __future__ import annotations

from harness.handlers.dialects import Family, JsonCalls

PLUGIN = Family(
    name="angle",
    rule=JsonCalls(starts=("<<",), ends=(">>",), item="<<{call}>>", wrap="{calls}", separator="\n"),
    signs=("<<", ">>"),  # what the chat template of such a model holds
)
