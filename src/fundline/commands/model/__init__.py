"""`fundline model`."""
