"""The recipe of the embedded model: tokenizer, synthetic data, pre-training from scratch, export."""
