"""The old place of `fundline.platform.paging`, until nobody imports it from here."""

from fundline.platform.paging import Cursor, Page, cursor_of

__all__ = ["Cursor", "Page", "cursor_of"]
