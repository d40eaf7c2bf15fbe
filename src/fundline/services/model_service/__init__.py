"""Serves versioned risk models over the Open Inference Protocol v2 (HTTP). The one process that computes the trees."""
