"""Errors that a conversation shows on purpose, each followed by the step that recovers from it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from random import Random

from refine.synth.leaves import parsed
from refine.synth.scene import Refusal, Scene
from refine.synth.types import Mishap, Step

TEXTS = (
    "the service did not answer in time, please try again",
    "the service is busy at the moment, please try again",
    "the connection was interrupted, please try again",
)


def mishaps_of(levels: Sequence[Sequence[Step]], scene: Scene, first: int, draw: Random) -> tuple[Mishap, ...]:
    """One error for a turn: a refusal that really happened while it was walked, else one that passes.

    Args:
        levels: The turn's steps; a refusal that happened is shown before a level, where it happened.
        scene: Where it was walked.
        first: Place of the turn's first refusal among the scene's.
        draw: Where choices come from.

    Returns:
        One mishap, none where the turn has no step.
    """
    steps = [step for level in levels for step in level]
    begins = {level[0].index for level in levels}
    found = [
        Mishap(step.index, "natural", refusal.call, refusal.text)
        for refusal in scene.refused[first:]
        if refusal.harmless and (step := _recovery(refusal, steps)) and step.index in begins
    ]
    if found and draw.random() < 0.5:
        return (draw.choice(found),)
    if not steps:
        return ()
    step = draw.choice(steps)
    return (Mishap(step.index, "transient", step.call, in_style(scene.refused, draw.choice(TEXTS))),)


def _recovery(refusal: Refusal, steps: Sequence[Step]) -> Step | None:
    """The step that does right what was refused: the same tool, after the same calls, with other arguments."""
    place = len(refusal.before)
    for step in steps:
        if step.index == place and step.call.name == refusal.call.name and step.call != refusal.call:
            return step
    return None


def in_style(refused: Sequence[Refusal], text: str) -> str:
    """A text as the environment writes its errors."""
    for refusal in refused:
        value = parsed(refusal.text)
        if isinstance(value, Mapping) and isinstance(value.get("error"), str):
            return json.dumps({"error": f"{text[0].upper()}{text[1:]}."})
    return f"Error: {text}"
