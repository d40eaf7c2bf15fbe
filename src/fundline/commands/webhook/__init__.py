"""`fundline webhook`."""
