"""Kafka: producer, consumer runtime, topics. The one home of confluent_kafka, always in its own thread."""
