"""Results as text, tables and pages; nothing here decides.

`runs` is what `harness run` prints; `boards`, `comparisons` and `gates` write what `analysis` found, `costs` what a run
cost; `page` and `overview` make the page of `harness view`, `catalogue` and `site` those over many runs,
`page_server` serves them.
"""
