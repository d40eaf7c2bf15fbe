"""Ids as text: in addresses, and in messages of strangers."""

from uuid import UUID


def uuid_in(text: str) -> UUID | None:
    """None when the text is no id."""
    try:
        return UUID(text)
    except ValueError:
        return None
