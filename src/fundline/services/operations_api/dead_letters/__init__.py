"""Dead letters: events that a consumer group gave up on, and what people do with them."""
