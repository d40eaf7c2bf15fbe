"""Fundline: a funding platform for small and medium businesses."""
