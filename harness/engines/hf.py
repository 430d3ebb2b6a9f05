"""`hf`: any causal model that transformers loads, from a folder or a hub id, on CPU or GPU.

Requests wait in a queue and enter the batch whenever a row leaves it: longest first, so that what does not fit in
memory is known early, and beside those they share a prefix with. Out of memory halves the batch and goes on with what
was generated so far. Only the run's `Sampling` chooses tokens: sampling defaults in a model's `generation_config.json`
(temperature, repetition penalty) are not applied; its end-of-turn tokens are.

`--model-args`: `attn_implementation` (default sdpa), `token_budget` (prompt tokens a forward pass, default 1024 on
CPU, 16384 on GPU), `device_map` (spread a model over GPUs), `compile` (torch.compile), and those of `--dp`, `--runner`
and `--ray-address`: copies of the model in processes or ray actors, one a GPU or a share of the cores.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from harness.chat import encode
from harness.engines._overflow import PromptTooLong, overflow
from harness.engines._rows import Row, reply_text
from harness.engines._sampling import seed_of
from harness.engines._spread import LAYOUT, spread
from harness.engines._workers import WorkersSession
from harness.errors import UsageProblem, unknown_name
from harness.models import locate, missing
from harness.types import Completion, EngineSettings, Generation, Prompt, RequestKey, Sampling

OPTIONS = ("attn_implementation", "token_budget", "device_map", "compile", *LAYOUT)
BUCKET = 64
"""Prompts whose lengths differ by less count as equally long, and are ordered by what they share instead."""


class HfEngine:
    """Loads a model into this process."""

    name = "hf"
    requires = ("torch", "transformers", "peft")
    extra = "hf"
    scores = True
    flags: ClassVar = {name: name for name in LAYOUT}
    layout = (*LAYOUT, "token_budget", "device_map")

    def open(self, settings: EngineSettings) -> HfSession | WorkersSession:
        """Load model, adapter and tokenizer.

        Args:
            settings: `options` may hold the names in this module's docstring.

        Returns:
            The session.

        Raises:
            UsageProblem: A setting cannot be honoured, or the model cannot be loaded.
        """
        for name in settings.options:
            if name not in OPTIONS:
                raise unknown_name("hf model argument", name, OPTIONS)
        if settings.base_urls:
            raise UsageProblem("the hf engine loads the model itself", "Use --engine openai with --base-url.")
        if copies := spread(self.name, settings):
            return copies
        try:
            import torch
            import transformers
        except ImportError as error:
            raise missing("hf", error) from error
        from harness.engines import _load

        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        found = locate(settings.model, adapter=settings.adapter, revision=settings.revision, offline=settings.offline)
        tokenizer = _load.tokenizer(found, settings)
        model = _load.model(found, settings, tokenizer)
        version = f"transformers {transformers.__version__}, torch {torch.__version__}, {model.dtype}, {model.device}"
        return HfSession(_load.decoder(model, settings), tokenizer, settings, version)


class HfSession:
    """A loaded model. All work happens inside `collect`."""

    def __init__(self, decoder: Any, tokenizer: Any, settings: EngineSettings, version: str) -> None:
        from harness.engines._load import context_of, end_tokens

        self.version = version
        self.slots = settings.concurrency or 8 * decoder.free
        self.gpus = len({part.device for part in decoder.model.parameters() if part.device.type == "cuda"}) or None
        self._decoder = decoder
        self._tokenizer = tokenizer
        self._settings = settings
        self.ends = end_tokens(decoder.model, tokenizer)
        """Tokens that end a reply."""
        self._context = context_of(decoder.model)
        self._queue: list[Row] = []
        self._scored: list[tuple[RequestKey, list[int], list[int]]] = []
        """Requests for the likelihood of a text: tokens before it, and its own."""
        self._done: list[Completion] = []

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Render, tokenise and queue a request; one that cannot be rendered becomes a fault."""
        import jinja2

        try:
            if prompt.scored:
                self._scored.append((key, *self._split(prompt)))
                return
            row = self._row(key, prompt, sampling)
        except PromptTooLong as error:
            self._done.append(Completion(key, overflow(str(error))))
        except (ValueError, TypeError, LookupError, jinja2.TemplateError) as error:
            self._done.append(Completion(key, None, f"{type(error).__name__}: {error}"))
        else:
            self._queue.append(row)

    def collect(self) -> Sequence[Completion]:
        """Work until a request is finished; empty where none was submitted."""
        while not self._done and (self._queue or self._scored or self._decoder.rows):
            if self._scored:
                self._score(*self._scored.pop(0))
            else:
                self._done += map(self._completion, self._work())
        done, self._done = self._done, []
        return done

    def continue_tokens(
        self, prompts: Mapping[RequestKey, list[int]], sampling: Sampling
    ) -> dict[RequestKey, list[int]]:
        """Reply to prompts of token ids, as `collect` does to those of messages, in tokens; for who trains the model.

        Args:
            prompts: Token ids by request; each key has a random stream of its own.
            sampling: How tokens are chosen.

        Returns:
            Tokens of each reply, the one that ends the turn included.

        Raises:
            MemoryError: A prompt does not fit in memory, even alone.
        """
        self._queue = [self._row_of(key, ids, sampling) for key, ids in prompts.items()]
        replies: dict[RequestKey, list[int]] = {}
        while self._queue or self._decoder.rows:
            replies |= {row.key: row.out for row in self._work()}
            if self._done:
                raise MemoryError(self._done[0].fault)
        return replies

    def close(self) -> None:
        """Free the model."""
        self._decoder = None
        self._queue.clear()
        self._scored.clear()
        gc.collect()

    def _rendered(self, prompt: Prompt) -> list[int]:
        settings = self._settings
        return encode(
            prompt, self._tokenizer, chat_template=settings.chat_template, kwargs=settings.chat_template_kwargs
        )

    def _split(self, prompt: Prompt) -> tuple[list[int], list[int]]:
        """Tokens before a text that is to be scored, and its own; a text by itself follows what begins a sequence."""
        begin = self._tokenizer.bos_token_id
        opened = [begin] if begin in self._tokenizer.encode("a")[:1] else []
        before = self._rendered(prompt) if prompt.messages else opened
        scored = self._tokenizer.encode(prompt.scored, add_special_tokens=False)
        if len(before) + len(scored) > self._context:
            raise PromptTooLong(
                f"text exceeds context: {len(before) + len(scored)} tokens, the model takes {self._context}"
            )
        return before, scored

    def _score(self, key: RequestKey, before: list[int], scored: list[int]) -> None:
        from harness.engines._likelihood import logprobs

        started = time.monotonic()
        found = logprobs(self._decoder.model, before, scored)
        seconds, tokens = time.monotonic() - started, len(before) + len(scored)
        self._done.append(Completion(key, Generation("", prompt_tokens=tokens, seconds=seconds, logprobs=found)))

    def _row(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> Row:
        return self._row_of(key, self._rendered(prompt), sampling, prompt.keep_special_tokens)

    def _row_of(self, key: RequestKey, ids: list[int], sampling: Sampling, kept: bool = False) -> Row:
        room = self._context - len(ids)
        if room < 1:
            raise PromptTooLong(f"prompt exceeds context: {len(ids)} tokens, the model takes {self._context}")
        stream = random.Random(seed_of(key, sampling)).random
        return Row(key, ids, sampling, min(sampling.max_tokens, room), stream, self._stop_rule(sampling.stop), kept)

    def _stop_rule(self, stops: Sequence[str]) -> Callable[[list[int]], bool]:
        ends, decode = self.ends, self._tokenizer.decode
        if not stops:
            return lambda out: out[-1] in ends
        # A stop string of n characters lies within the last n tokens, and a character within four more.
        reach = max(map(len, stops)) + 4
        return lambda out: out[-1] in ends or any(stop in decode(out[-reach:]) for stop in stops)

    def _work(self) -> list[Row]:
        """One pass; the rows that are finished by it."""
        decoder, rows = self._decoder, []
        if self._queue and (not decoder.rows or decoder.free * 8 >= len(decoder.rows)):
            # A conversation under way goes first: its earlier turns are still in the cache.
            self._queue.sort(key=lambda row: (row.key.step == 0, -(len(row.prompt) // BUCKET), row.prompt))
            rows, self._queue = self._queue[: decoder.free], self._queue[decoder.free :]
        touched = [*decoder.rows, *rows]
        try:
            return decoder.add(rows) if rows else decoder.step()
        except (MemoryError, RuntimeError) as error:
            return self._recover(error, touched)

    def _recover(self, error: Exception, touched: Sequence[Row]) -> list[Row]:
        """Halve the batch after an out-of-memory error, down to one row alone; anything else is passed on."""
        if not _out_of_memory(error):
            raise error
        hopeless = not self._decoder.halve() and len(touched) == 1
        gc.collect()
        left = [row for row in touched if row.finish is None]
        if hopeless and left:
            self._done.append(Completion(left[0].key, None, f"out of memory: {len(left[0].tokens)} tokens alone"))
        else:
            self._queue = left + self._queue
        return [row for row in touched if row.finish is not None]

    def _completion(self, row: Row) -> Completion:
        generation = Generation(
            text=_reply(self._tokenizer, row.prompt, row.out, self.ends, row.keep_special_tokens, row.sampling.stop),
            finish=row.finish or "stop",
            prompt_tokens=len(row.prompt),
            completion_tokens=len(row.out),
            seconds=time.monotonic() - row.started,
            cached_tokens=row.cached,
        )
        return Completion(row.key, generation)


@contextmanager
def lent(model: Any, tokenizer: Any, settings: EngineSettings) -> Iterator[HfSession]:
    """A session over a model that someone else trains. Its cache is empty, as weights have changed since any other.

    Args:
        model: In evaluation mode inside, as it was before afterwards.
        tokenizer: The model's.
        settings: Batch size and options; the rest is the model's as it is.

    Yields:
        The session.
    """
    from harness.engines import _load

    training, attention = model.training, model.config._attn_implementation
    model.eval()
    try:
        yield HfSession(_load.decoder(model, settings), tokenizer, settings, "")
    finally:
        model.set_attn_implementation(attention)
        model.train(training)


def ends_of(model: Any, tokenizer: Any) -> frozenset[int]:
    """Tokens that end a reply of a model."""
    from harness.engines._load import end_tokens

    return end_tokens(model, tokenizer)


def read_tokens(
    tokenizer: Any, prompt: list[int], out: Sequence[int], ends: frozenset[int], keep_special_tokens: bool = False
) -> Generation:
    """A reply's tokens as this engine would have given them.

    Args:
        tokenizer: A transformers tokenizer.
        prompt: Token ids before the reply.
        out: Token ids of the reply.
        ends: Tokens that end a reply; one that does not end so was cut off.
        keep_special_tokens: The reply's text keeps them, but for the one that ends it.

    Returns:
        The generation.
    """
    return Generation(
        _reply(tokenizer, prompt, out, ends, keep_special_tokens),
        "stop" if out and out[-1] in ends else "length",
        prompt_tokens=len(prompt),
        completion_tokens=len(out),
    )


def _reply(
    tokenizer: Any,
    prompt: list[int],
    out: Sequence[int],
    ends: frozenset[int],
    kept: bool,
    stops: Sequence[str] = (),
) -> str:
    out = out[:-1] if kept and out and out[-1] in ends else out
    return reply_text(tokenizer, prompt, out, stops, kept)


def _out_of_memory(error: Exception) -> bool:
    """CUDA has a type for it; the CPU allocator only a text."""
    known = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, MemoryError) or any(text in str(error).lower() for text in known)


PLUGIN = HfEngine()
