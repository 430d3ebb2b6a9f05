"""Training data: `harness.examples.read` reads every format; this module tokenises and labels the regions."""
