"""`fundline mail`."""
