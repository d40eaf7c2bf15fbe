"""`fundline account-key`."""
