"""Which quirks of the official evaluator hold: `upstream` keeps all, `strict` mends those that are switches here."""

from __future__ import annotations

from dataclasses import dataclass

from harness.errors import unknown_name


@dataclass(frozen=True, slots=True)
class Rules:
    """Switches of judging; each names the mended behaviour. Quirk numbers: the README beside this file."""

    name: str
    compare_everything: bool = False
    """Numbers and booleans are compared, texts as wholes, inner values by their class (quirks 1, 2 and 4)."""
    want_optional: bool = False
    """A parameter that the ground truth gives a value must be given, whether required or not (quirk 3)."""
    true_signs: bool = False
    """`+10` is 10 and `~1` is -2; upstream negates under every unary operator (quirk 5)."""
    keep_blanks: bool = False
    """Replies of normal multi-turn are read like all others; upstream deletes their white space (quirk 6)."""
    use_up: bool = False
    """One call satisfies one expected call (quirk 8)."""
    own_numbers: bool = False
    """A trailing number that belongs to a function's name stays (quirk 9)."""
    all_state: bool = False
    """Misspelt classes of the ground truth are checked, and attributes that a result lacks are wrong (quirk 10)."""
    free_search: bool = False
    """A milestone that is not found does not hide the later ones (quirk 11)."""
    skip_impossible: bool = False
    """Items that no reply passes are unscored."""


UPSTREAM = Rules("upstream")
STRICT = Rules(
    "strict",
    compare_everything=True,
    want_optional=True,
    true_signs=True,
    keep_blanks=True,
    use_up=True,
    own_numbers=True,
    all_state=True,
    free_search=True,
    skip_impossible=True,
)
BY_NAME = {rules.name: rules for rules in (UPSTREAM, STRICT)}

IMPOSSIBLE = {
    (
        "zh",
        "normal_atom_object_short_1",
    ): "a required parameter is missing from the expected call, where giving it fails",
}
"""Items of commit 56dd66cf that no reply passes even under strict rules, with the reason."""


def rules_named(name: str) -> Rules:
    """The rule set of that name.

    Raises:
        UsageProblem: There is none.
    """
    try:
        return BY_NAME[name]
    except KeyError:
        raise unknown_name("rule set", name, BY_NAME) from None
