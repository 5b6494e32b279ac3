"""Kafka's clients: consumer, producer, and offsets."""
