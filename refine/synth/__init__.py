"""Multi-turn conversations from environments (FunReason-MT, arXiv 2510.24645): graph, plan and walk without a model."""
