"""`fundline routes`."""
