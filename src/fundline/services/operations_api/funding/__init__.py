"""What lenders have committed: one person asks for a change, another agrees."""
