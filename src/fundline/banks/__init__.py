"""The way to a bank: one protocol that pays, finds and reads the statement; the adapters; the guard before them."""
