"""Settings that were tried, one YAML file each, and the recipe of the embedded model."""
