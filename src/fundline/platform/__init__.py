"""What every process stands on: database, Kafka, cache, HTTP, telemetry. Knows nothing of funding."""
