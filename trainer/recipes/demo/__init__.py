"""The experiment of `make demo`: refinement, losses and self-refinement against plain fine-tuning."""
