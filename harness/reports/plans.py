"""Write what a policy can show: as a table for the terminal, or as JSON."""

from __future__ import annotations

import json
import textwrap

from harness.analysis.margins import DROPS_SHOWN, FOUND, Outlook, Prospect, as_json
from harness.analysis.policy import DROPS
from harness.text import percent, table


def dumped(outlook: Outlook) -> str:
    """JSON."""
    return json.dumps(as_json(outlook), indent=1)


def terminal(outlook: Outlook, width: int) -> str:
    """A line a rule, and what the drop rules do together."""
    told = [found for found in outlook.prospects if found.n]
    drops = [_drop(found) for found in told if found.rule.section in DROPS]
    levels = [_level(found) for found in told if found.rule.section not in DROPS]
    needed = f"{percent(outlook.probability, 0)} %"
    heads = {"least": f"equal pass {needed} from", "needs": f"passes {needed} from"}
    parts = [table(rows, width, (), set(rows[0]) - {"rule"}, heads) for rows in (drops, levels) if rows]
    parts += [textwrap.fill(note, width) for note in _notes(outlook)]
    return "\n\n".join(parts)


def _drop(found: Prospect) -> dict[str, str]:
    stopped = {
        f"stops -{percent(drop, 0)}": _share(rate) for drop, rate in zip(DROPS_SHOWN, found.stopped, strict=True)
    }
    return {
        "rule": found.rule.title,
        "items": str(found.n),
        "margin": percent(found.rule.value),
        "least": percent(found.least or 0.0),
        "equal pass": _share(found.passing or 0.0),
        f"stops {percent(FOUND, 0)} % of": f"-{percent(found.found or 0.0)}",
        **stopped,
    }


def _level(found: Prospect) -> dict[str, str]:
    needs = "never" if found.least is None else percent(found.least)
    return {"rule": found.rule.title, "items": str(found.n), "demanded": percent(found.rule.value), "needs": needs}


def _share(rate: float) -> str:
    return f"{percent(rate, 0)} %"


def _notes(outlook: Outlook) -> list[str]:
    notes = []
    rates = set(outlook.disagreement.values())
    assumed = f"{percent(min(rates), 1)} %" if len(rates) == 1 else "as many of the items as RUN and --baseline"
    if outlook.passing is not None:
        stopped = ", ".join(
            f"{_share(rate)} of drops of {percent(drop, 0)}"
            for drop, rate in zip(DROPS_SHOWN, outlook.stopped, strict=True)
        )
        notes.append(
            f"All drop rules together: equal models pass {_share(outlook.passing)} of the time; stopped are {stopped}"
            f" points. Assumed: two versions of a model differ on {assumed}."
        )
    for found in outlook.prospects:
        if found.never:
            notes.append(
                f"{found.rule.title}: {found.n} items are too few, even where none is wrong, lost or gained; loosen the"
                " rule, or put it on an average."
            )
        if not found.n:
            notes.append(f"{found.rule.title}: there are no items of it here.")
    return notes
