"""GRPO and EGPO beside plain fine-tuning on the embedded model: does the reward rise? `python -m trainer.recipes.rl run`"""
