"""The operations API: cases, dead letters, released payments and the audit trail, for operators and compliance."""
