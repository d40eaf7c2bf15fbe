"""Logs, metrics and the context that ties one application's story together over all processes."""
