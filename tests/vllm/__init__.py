"""Real vLLM, on CPU: run by `make test-vllm` in a virtual environment of its own."""
