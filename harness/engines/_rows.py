"""One request on its way through a local model."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.types import Finish, RequestKey, Sampling


@dataclass(slots=True, eq=False)
class Row:
    """A tokenised prompt and the tokens generated so far."""

    key: RequestKey
    prompt: list[int]
    sampling: Sampling
    limit: int
    """Tokens it may generate: `max_tokens`, or what the context leaves."""
    random: Callable[[], float]
    """The request's own stream of uniform numbers."""
    stopped: Callable[[list[int]], bool]
    """Whether the generated tokens end the reply: an end-of-turn token or a stop string."""
    keep_special_tokens: bool = False
    """The reply's text keeps them."""
    out: list[int] = field(default_factory=list)
    finish: Finish | None = None
    cached: int | None = None
    """Prompt tokens that were taken from the cache; None where the decoder has none."""
    started: float = field(default_factory=time.monotonic)

    @property
    def tokens(self) -> list[int]:
        """Prompt and reply: what the model has to have seen before the next token."""
        return self.prompt + self.out

    def append(self, token: int) -> bool:
        """Add a generated token.

        Args:
            token: Its id.

        Returns:
            Whether the row is finished by it.
        """
        self.out.append(token)
        if self.stopped(self.out):
            self.finish = "stop"
        elif len(self.out) >= self.limit:
            self.finish = "length"
        return self.finish is not None


def reply_text(
    tokenizer: Any, prompt: list[int], out: Sequence[int], stops: Sequence[str], keep_special_tokens: bool = False
) -> str:
    """A reply's tokens as text, without special tokens and without what follows a stop string.

    Args:
        tokenizer: A transformers tokenizer.
        prompt: Token ids before the reply: some tokenizers drop the first token's leading space, so the reply is
            decoded behind the prompt's end.
        out: Token ids of the reply.
        stops: The request's stop strings.
        keep_special_tokens: Leave them in; the one that ends the turn is then the last.

    Returns:
        The text.
    """

    def decode(ids: list[int]) -> str:
        text: str = tokenizer.decode(
            ids, skip_special_tokens=not keep_special_tokens, clean_up_tokenization_spaces=False
        )
        return text

    text = decode([*prompt[-4:], *out]).removeprefix(decode(prompt[-4:]))
    cuts = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(cuts)] if cuts else text
