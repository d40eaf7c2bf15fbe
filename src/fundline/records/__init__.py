"""The records that several processes share: the tables they write, and the only code that moves a status."""
