"""The status service: where an application stands, once or live."""
