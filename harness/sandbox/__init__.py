"""Run code that a model wrote, and nothing else."""
