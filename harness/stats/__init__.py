"""Numbers about outcomes: intervals, paired tests, pass@k, and the averages that a view states.

`intervals` and `averages` need the standard library only; `paired` needs numpy and scipy.
"""
