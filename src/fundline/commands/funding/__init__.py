"""`fundline funding`."""
