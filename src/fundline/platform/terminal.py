"""What goes to a terminal: no text of somebody else's moves its cursor or turns its direction of reading."""

import unicodedata

import typer

_KEPT = {"\n", "\t"}
_DIRECTIONS = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def escaped(text: str) -> str:
    """Control characters, and those that turn the direction of writing, as their escapes; line ends and tabs stay."""
    if text.isprintable():
        return text
    return "".join(_visible(character) for character in text)


def one_line(text: str) -> str:
    """The same, with line ends and tabs as escapes too: for a cell of a table."""
    return escaped(text.replace("\n", "\\n").replace("\t", "\\t"))


def say(text: str = "", *, err: bool = False, nl: bool = True) -> None:
    """Print. The one way to a terminal, but for progress that a library draws."""
    typer.echo(escaped(text), err=err, nl=nl)


def _visible(character: str) -> str:
    is_kept = character in _KEPT or character.isprintable()
    if is_kept and unicodedata.bidirectional(character) not in _DIRECTIONS:
        return character
    if unicodedata.category(character) == "Zs" or character in "\u200c\u200d":
        return character  # a space of another width; joiners that Persian, Sinhala and emoji need
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")
