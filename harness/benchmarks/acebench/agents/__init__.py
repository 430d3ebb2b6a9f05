"""The agent categories: an environment of five services, the executor of calls, the two dialogue loops, the judge."""
