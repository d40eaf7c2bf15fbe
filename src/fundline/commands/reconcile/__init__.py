"""`fundline reconcile`."""
