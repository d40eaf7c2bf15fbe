"""`fundline account`."""
