"""`fundline bank`."""
