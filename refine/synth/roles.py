"""The roles that models play, one prompt file each in `refine/prompts/synth/`, and who plays which.

| role | sees | gives |
| --- | --- | --- |
| `tool` | calls and results of a turn | one "advanced tool" that would do it all |
| `query` | its description, what only the user knows, the conversation | what the user says |
| `reasoner` | the conversation, the tools, the description as a hint, notes | thought and calls, or an answer |
| `critic` | a failed attempt, and calls that do it | what to do differently |
| `judge` | the conversation, and a query, an answer or thoughts | yes or no, put to the vote |
| `values` | a parameter's document | realistic values, once for a parameter |

The phases are those of FunReason-MT (arXiv 2510.24645 v2, section 3); its prompts are unpublished.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from refine.judge import Question, text_schema

ROLES = ("tool", "query", "reasoner", "critic", "judge", "values")
JUDGED = ("query_judge", "answer_judge", "thought_judge")


def _texts(*names: str) -> Mapping[str, Any]:
    return {
        "type": "object",
        "properties": {name: {"type": "string"} for name in names},
        "required": list(names),
        "additionalProperties": False,
    }


TOOL = Question("synth/tool", _texts("name", "description", "inputs", "outputs"))
QUERY = Question("synth/query", text_schema("query"))
REASONER = Question("synth/reasoner", _texts("thought", "reply"))
CRITIC = Question("synth/critic", text_schema("reason"))
QUERY_JUDGE = Question("synth/query_judge")
ANSWER_JUDGE = Question("synth/answer_judge")
THOUGHT_JUDGE = Question("synth/thought_judge")
VALUES = Question("synth/values", text_schema("values"))
QUESTIONS = {
    question.name.removeprefix("synth/"): question
    for question in (TOOL, QUERY, REASONER, CRITIC, QUERY_JUDGE, ANSWER_JUDGE, THOUGHT_JUDGE, VALUES)
}
"""Every question by the stage that it is asked in."""


def role_of(stage: str) -> str:
    """Who is asked in a stage."""
    return "judge" if stage in JUDGED else stage
