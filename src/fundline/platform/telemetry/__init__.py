"""Logs, metrics and the context that ties one story together over all processes."""
