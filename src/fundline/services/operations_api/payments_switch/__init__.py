"""The switch that halts all payments."""
