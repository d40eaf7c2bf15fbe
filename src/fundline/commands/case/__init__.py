"""`fundline case`."""
