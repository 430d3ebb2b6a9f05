"""Which quirks of the official evaluator hold: `upstream` keeps all, `strict` mends those that are switches here."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import unknown_name


@dataclass(frozen=True, slots=True)
class Rules:
    """Switches of single-turn judging; each names the mended behaviour. Quirk numbers: the README beside this file."""

    name: str
    true_signs: bool = False
    """`+10` is 10 and `~1` is -2; upstream negates under every unary operator (quirk 7)."""
    bind_positional: bool = False
    """Positional arguments get the schema's names in order; upstream drops them (quirk 8)."""
    marker_is_no_value: bool = False
    """The `""` that marks an omissible parameter is not itself an answer (quirks 1 to 4)."""
    best_matching: bool = False
    """Parallel calls are assigned so that all match if they can; upstream takes the first that fits (quirk 10)."""
    abstain_cleanly: bool = False
    """A broken call or a failed generation is not an abstention; upstream counts what does not decode (quirk 15)."""
    skip_impossible: bool = False
    """Items that no possible answer passes are unscored."""


UPSTREAM = Rules("upstream")
STRICT = Rules(
    "strict",
    true_signs=True,
    bind_positional=True,
    marker_is_no_value=True,
    best_matching=True,
    abstain_cleanly=True,
    skip_impossible=True,
)
BY_NAME = {rules.name: rules for rules in (UPSTREAM, STRICT)}

IMPOSSIBLE = {
    "live_simple_106-63-0": "a required parameter has no acceptable value",
    "live_simple_112-68-0": "a required parameter has no acceptable value",
    "live_multiple_862-181-3": "the expected answer names a parameter that the function lacks",
    "live_multiple_964-207-0": "the expected answer names a parameter that the function lacks",
    "simple_java_36": "the expected list mixes types, but its elements are read as text",
    "simple_java_65": "the expected list mixes types, but its elements are read as text",
}
"""Items of bfcl-eval 2026.3.23 whose own ground truth cannot pass, with the reason."""


def rules_named(name: str) -> Rules:
    """The rule set of that name.

    Raises:
        UsageProblem: There is none.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        raise unknown_name("rule set", name, BY_NAME) from None
