"""The Application API: accepts, stores, answers at once. Its Kafka consumer runs as a process of its own."""
