"""The audit trail of an application."""
