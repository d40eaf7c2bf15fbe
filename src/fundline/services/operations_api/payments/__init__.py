"""Payments, and the release of those above the limit by a second person."""
