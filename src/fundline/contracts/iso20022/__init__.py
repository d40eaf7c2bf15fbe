"""The schemas of the ISO 20022 messages that we exchange with banks; where each is from stands in README.md."""
