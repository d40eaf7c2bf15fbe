"""Brings the engines and the fleet up on one machine, without Docker."""
