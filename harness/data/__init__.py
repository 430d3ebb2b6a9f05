"""Benchmark data as it was pinned, and training examples in any format.

`pins` says what the data sets are, `datasets` fetches and verifies them, `sources` reads what they are fetched from,
`bundles` carries them to machines without a network; `examples` reads training data.
"""
