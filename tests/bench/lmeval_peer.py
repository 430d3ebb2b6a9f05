"""Runs inside the venv of lm-evaluation-harness: reads a job as JSON on stdin, prints seconds and replies as JSON."""

from __future__ import annotations

import json
import sys
import time


def main() -> None:
    """Generate with `HFLM.generate_until`, greedy and in float32."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    job = json.load(sys.stdin)
    model = HFLM(
        pretrained=job["model"], device="cpu", dtype="float32", batch_size=job["batch_size"], add_bos_token=False
    )
    options = {"until": ["<|im_end|>"], "max_gen_toks": job["max_tokens"], "do_sample": False}
    requests = [
        Instance("generate_until", {}, (text, dict(options)), index) for index, text in enumerate(job["prompts"])
    ]
    model.generate_until(requests[:2], disable_tqdm=True)
    began, cpu = time.perf_counter(), time.process_time()
    replies = model.generate_until(requests, disable_tqdm=True)
    seconds = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu}
    print(json.dumps({"replies": replies, **seconds}))


if __name__ == "__main__":
    main()
