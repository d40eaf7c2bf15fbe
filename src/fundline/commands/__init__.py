"""Commands that look into the lending itself: models, decisions. Thin doors; each says one thing."""
