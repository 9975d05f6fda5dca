"""Any value that can be kept, for Hypothesis: a module for each family, `anything` for all."""
