"""Cases: what waits for a person."""
