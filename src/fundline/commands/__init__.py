"""Commands that look into the lending itself: one folder per noun, of `fundline NOUN`.

In each: `command.py` (the doors: options in, one call, text out), `view.py` (what people read), and where a command
works by itself `reading.py` (what it reads) and `deeds.py` (what it changes). Beside the folders: what they share.
"""
