"""The dead-letter keeper: what consumer groups gave up on becomes a row that people can look at and act on."""
