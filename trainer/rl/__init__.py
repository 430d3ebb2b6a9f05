"""Reinforcement learning for function calling: GRPO and EGPO, with the checker that evaluates as reward.

`engine` alone imports TRL; see `docs/rl.md`.
"""
