"""Which risk model decides about whom."""
