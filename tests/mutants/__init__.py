"""Mutations by hand, where the tool of `make mutants` cannot reach: code that only a real engine runs."""
