"""GRPO and EGPO beside plain fine-tuning on the embedded model: `python -m trainer.recipes.rl run`."""
