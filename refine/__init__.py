"""Improve function-calling data with an LLM judge: FCDR and the self-refinement loop."""
