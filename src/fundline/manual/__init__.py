"""Writes the generated pages of docs/ from the code: events, metrics, settings, problems,
OpenAPI. No process imports it.
"""
