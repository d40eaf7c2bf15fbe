"""Corrections of the ledger: one person asks, another agrees."""
