"""A benchmark, a handler and a dialect that come with a package of their own."""
