"""`fundline dead-letter`."""
