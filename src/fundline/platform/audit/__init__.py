"""The audit trail: who did what, when, why and on which evidence, in chains of hashes that show any edit."""
