"""What tests share: engines, databases, topics, builders. Fakes live here too and pass the real thing's suite."""
