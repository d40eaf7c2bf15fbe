"""`fundline ledger`."""
