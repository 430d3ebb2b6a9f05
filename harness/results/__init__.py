"""What a run leaves on disk, and how it is read back and counted.

`store` knows the folders, `lines` one line of `samples.jsonl`, `writer` appends lines, `tally` counts them, `usage`
says what they cost, and `provenance` what a result depends on.
"""
