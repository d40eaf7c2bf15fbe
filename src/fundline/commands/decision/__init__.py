"""`fundline decision`."""
