"""Ids as text: in addresses, and in messages of strangers."""

from uuid import UUID


def uuid_in(text: str) -> UUID | None:
    """None when the text is not an id."""
    try:
        return UUID(text)
    except ValueError:
        return None
