"""`fundline audit`."""
