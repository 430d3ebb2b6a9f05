"""Every setting of a run, once: the fields below are flags of `harness run`, keys of its `--config`, the environment
variables `HARNESS_RUN_*` and the parameters of `harness.run`."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Annotated, Literal

from harness.flags.fields import FILE, FOLDER, Flag, Names, Pairs, normalise
from harness.running.pairs import PAIRS

Rules = Literal["upstream", "strict"]
SANDBOX = ("sandbox", "sandbox_workers", "sandbox_memory")
"""Settings of every command that may run a model's programs."""


@dataclass(frozen=True, slots=True)
class RunSettings:
    """What a user says about a run. None, or an empty tuple, is what was not said.

    Raises:
        UsageProblem: A value is of another type than its field, or out of bounds.
    """

    model: Annotated[str | Path | None, Flag("-m", section="What is measured")]
    """Folder, hub id, a server's name of it, or `tiny`."""
    tasks: Annotated[Names, Flag("-t", "--test-category", "--datasets")]
    """See `harness list tasks`."""
    _: KW_ONLY
    limit: Annotated[str | float | None, Flag("--max-samples")] = None
    """Of each category: 20, 0.1 or 11-20."""
    sample_ids: Annotated[Names, Flag(own="--sample-id")] = ()
    """Only these samples."""
    ids: Annotated[str | Path | None, Flag("--run-ids", type=FILE)] = None
    """File of sample ids: lines or JSON."""
    rules: Rules = "upstream"
    """Judge as the official evaluator does, or with its quirks mended."""

    handler: Annotated[str, Flag("--mode", section="How the model is asked")] = "auto"
    """See `harness list handlers`."""
    completion: Annotated[bool, Flag("--force-base-prompt")] = False
    """As a base model, which continues text: the same as --handler completion."""
    num_fewshot: Annotated[int | None, Flag(least=0)] = None
    """Examples before a base model's question. [default: all 4]"""
    dialect: str | None = None
    """Format of calls in text; auto by default, see `harness list dialects`."""
    think_prefix: Annotated[str | None, Flag("--prefill")] = None
    r"""Text that replies are forced to start with, and read with; \n is a line break."""
    answer_delimiter: str | None = None
    """The answer is what follows its last occurrence."""
    chat_template: Annotated[str | Path | None, Flag(type=FILE)] = None
    """Jinja file instead of the tokenizer's template."""
    chat_template_kwargs: Annotated[Pairs, Flag(type=PAIRS, metavar="K=V")] = ()
    """Passed to the template."""
    thinking: Literal["auto", "on", "off"] = "auto"
    """Of Qwen3's template."""

    temperature: Annotated[float | None, Flag(section="Sampling", least=0, most=1e9)] = None
    """0, the default, is greedy."""
    top_p: Annotated[float | None, Flag(least=1e-9, most=1)] = None
    """Nucleus sampling. [default: 1]"""
    max_tokens: Annotated[int | None, Flag(least=1, most=2**31)] = None
    """Of one reply. [default: 4096]"""
    seed: Annotated[int | None, Flag(least=-(2**63), most=2**63 - 1)] = None
    """Repeat k uses seed + k."""
    stop: Names = ()
    """Text that ends a reply."""
    gen_kwargs: Annotated[Pairs, Flag(type=PAIRS, metavar="K=V")] = ()
    """The same as pairs."""
    preset: Literal["greedy", "upstream"] = "greedy"
    """upstream: temperature 0.001, as the official evaluator asks."""
    repeats: Annotated[int, Flag("--epochs", "--n-samples", least=1)] = 1
    """Replies to each sample."""

    engine: Annotated[str, Flag("--backend", section="How the model is served")] = "auto"
    """See `harness list engines`."""
    model_args: Annotated[Pairs, Flag("-M", type=PAIRS, metavar="K=V,...")] = ()
    """Options of the engine."""
    adapter: str | Path | None = None
    """LoRA adapter."""
    revision: str | None = None
    """Of a hub id."""
    tokenizer: str | Path | None = None
    """Instead of the model's own."""
    dtype: str = "auto"
    """Of the weights: bfloat16, float16, float32."""
    device: str = "auto"
    """cpu, cuda, cuda:1, ..."""
    batch_size: str | int | None = None
    """auto or a number."""
    concurrency: Annotated[int | None, Flag("--num-threads", "--max-connections", least=1)] = None
    """Requests in flight."""
    tp: Annotated[int | None, Flag("--num-gpus", "--tensor-parallel-size", least=1)] = None
    """GPUs of one replica."""
    dp: Annotated[int | None, Flag(least=1)] = None
    """Copies of a model that is loaded here."""
    runner: Literal["local", "ray"] = "local"
    """Where the copies live: this machine or a ray cluster."""
    ray_address: str | None = None
    """Of the cluster. [default: RAY_ADDRESS, or one on this machine]"""
    gpu_memory_utilization: Annotated[float | None, Flag(least=0, most=1)] = None
    """Share that vLLM may take."""
    base_urls: Annotated[Names, Flag(own="--base-url")] = ()
    """OpenAI-compatible server; repeat for several."""
    api_key_env: str = "OPENAI_API_KEY"
    """Variable that holds the key."""
    request_timeout: Annotated[float, Flag(least=1e-3, most=1e9)] = 600.0
    """Seconds."""
    trust_remote_code: bool = False
    """Run code that the model's folder brings."""
    offline: bool = False
    """Use no network; also by HF_HUB_OFFLINE=1."""

    user_model: Annotated[str | Path | None, Flag(section="The simulated user, where a task has one")] = None
    """Model that simulates the user; its name, settings and hash are part of the run."""
    user_engine: str = "auto"
    """As --engine."""
    user_base_urls: Annotated[Names, Flag(own="--user-base-url")] = ()
    """Server that has it."""
    user_api_key_env: str = "OPENAI_API_KEY"
    """Variable that holds the key."""
    user_model_args: Annotated[Pairs, Flag(type=PAIRS, metavar="K=V,...")] = ()
    """Options of its engine."""
    user_gen_kwargs: Annotated[Pairs, Flag(type=PAIRS, metavar="K=V")] = ()
    """Its sampling. [default: temperature 0.001, 1000 tokens]"""

    memory_encoder: Annotated[str | Path | None, Flag(section="What tasks work with", type=FOLDER)] = None
    """Weights behind memory_vector's searches, as sentence-transformers writes them. [default: those installed]"""

    sandbox: Annotated[str, Flag(section="Where programs run that the model wrote")] = "auto"
    """userns, bwrap, docker, landlock; see `harness doctor`."""
    sandbox_workers: Annotated[int | None, Flag(least=1)] = None
    """Programs at once. [default: one a processor]"""
    sandbox_memory: Annotated[float, Flag(least=0.25, most=2**20)] = 4.0
    """GiB for a program."""

    output: Annotated[
        str | Path,
        Flag(
            *("-o", "--output-path", "--result-dir", "--log-dir", "--work-dir"),
            section="What is kept, and what counts as done",
            type=FOLDER,
        ),
    ] = Path("results")
    """Results folder."""
    resume: bool = True
    """Continue a run of the same configuration. [default: on]"""
    retry_errors: bool = True
    """On resume, ask again what ended in an error. [default: on]"""
    overwrite: Annotated[bool, Flag("--allow-overwrite")] = False
    """Ask everything again."""
    predict_only: Annotated[bool, Flag("--no-score")] = False
    """Store replies without judging them."""
    sample_timeout: Annotated[float | None, Flag(least=1e-3, most=1e9)] = None
    """Seconds for one sample, all its turns together."""
    prices: Annotated[str | None, Flag(metavar="IN,OUT|FILE")] = None
    """USD for a million prompt and completion tokens."""
    cost_limit: Annotated[float | None, Flag(metavar="USD", least=0, most=1e9)] = None
    """Start no further sample once this is spent."""

    def __post_init__(self) -> None:
        normalise(self)
