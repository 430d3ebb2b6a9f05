"""Who plays which role: models behind engines of the harness, or `walk`, which recites without a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from harness.errors import UsageProblem, unknown_name
from harness.types import EngineSettings, Tool
from refine.jobs import open_judge
from refine.judge import Judge
from refine.synth.recite import NAME, Reciter
from refine.synth.roles import QUESTIONS, ROLES, role_of
from refine.synth.types import Trace


@dataclass(frozen=True, slots=True)
class Crew:
    """The models and where they are."""

    model: str
    """Plays every role that no other model plays; `walk` is none."""
    models: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Other models by role; votes go round the judges."""
    engine: str = "openai"
    base_urls: tuple[str, ...] = ()
    urls: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Servers of a role's models, where they are others."""
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    api_key_env: str = "OPENAI_API_KEY"
    concurrency: int | None = None
    timeout: float = 120.0
    """Seconds for one attempt at a reply."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if not self.model:
            raise UsageProblem("no model to play the roles", f"Name one with --model; {NAME} recites without a model.")
        for role, models in (*self.models.items(), *self.urls.items()):
            if role not in ROLES:
                raise unknown_name("role", role, ROLES)
            if role != "judge" and len(models) > 1 and role in self.models:
                raise UsageProblem(f"several models for the role {role}", "Only judges vote.")

    def names(self, role: str) -> tuple[str, ...]:
        """The models that play a role."""
        return self.models.get(role, (self.model,))

    def everyone(self) -> tuple[str, ...]:
        """All models, each once; `walk` is none."""
        names = dict.fromkeys(name for role in ROLES for name in self.names(role))
        return tuple(name for name in names if name != NAME)

    def identity(self) -> dict[str, list[str]]:
        """Models by role, as a run remembers them."""
        return {role: list(self.names(role)) for role in ROLES}


def open_role(crew: Crew, role: str, opened: ExitStack) -> Judge | None:
    """Open the first model of a role.

    Args:
        crew: Who plays.
        role: The role.
        opened: Closes the session.

    Returns:
        The model; None where `walk` plays it.
    """
    name = crew.names(role)[0]
    return None if name == NAME else _open(crew, name, crew.urls.get(role, crew.base_urls), opened)


def _open(crew: Crew, name: str, urls: tuple[str, ...], opened: ExitStack) -> Judge:
    settings = EngineSettings(
        model=name,
        base_urls=urls,
        api_key_env=crew.api_key_env,
        concurrency=crew.concurrency,
        request_timeout=crew.timeout,
        options=crew.engine_options,
    )
    return open_judge(crew.engine, settings, opened)


def open_crew(
    crew: Crew, walked: Callable[[int], Trace], tools: Sequence[Tool], opened: ExitStack
) -> dict[str, list[Judge]]:
    """Open every model once for each server that it is asked at.

    Args:
        crew: Who plays.
        walked: Number of a conversation -> its walk; for what recites.
        tools: Documents of the environment's tools; for what recites.
        opened: Closes the sessions.

    Returns:
        Judges by stage.
    """
    found: dict[tuple[str, tuple[str, ...]], Judge] = {}

    def judge(name: str, urls: tuple[str, ...]) -> Judge:
        if (name, urls) not in found:
            recited = name == NAME
            found[name, urls] = Judge(NAME, Reciter(walked, tools)) if recited else _open(crew, name, urls, opened)
        return found[name, urls]

    return {
        stage: [judge(name, crew.urls.get(role, crew.base_urls)) for name in crew.names(role)]
        for stage in QUESTIONS
        for role in [role_of(stage)]
    }
