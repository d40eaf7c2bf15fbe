"""The event router: moves committed events from the outbox to Kafka. No service publishes any other way."""
