"""Measure function-calling models: BFCL, HumanEval(+) and MBPP(+), any model, any engine.

Nothing heavy is imported here: torch, transformers, vllm, datasets and evalplus load when a command needs them.
"""

__version__ = "0.1.0"
