"""What readers whose first language is not English had to decode. A phrase that is found here is written anew."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FORBIDDEN = {
    "say what is not valid, or what is missing": re.compile(r"(?<!here )\b(is|are|was|were) none\b"),
    "say that it is not a …": re.compile(
        r"\b(that|which|what|text|it|they|is|are) (is|are) no (?!longer|more|less|earlier|later|need|way|reason)[a-z]",
        re.IGNORECASE,
    ),
    "name what the word stands for": re.compile(r"of these\.\"|\band (its|their) like\b"),
    "say not a valid …, or name the kind": re.compile(r"whatever its class is called"),
}
HELPERS = re.compile(r"def (_?(told|said|shown|noted|tell)\w*|\w+_(told|said|shown|noted))\(")


def _texts() -> Iterator[tuple[str, str]]:
    for pattern in ("src/**/*.py", "docs/*.md", "docs/runbooks/*.md", "*.md"):
        for file in ROOT.glob(pattern):
            yield file.relative_to(ROOT).as_posix(), file.read_text()


@pytest.mark.parametrize("instead", FORBIDDEN)
def test_messages_and_pages_are_written_in_plain_words(instead: str):
    found = [
        f"{name}: {text.count(chr(10), 0, hit.start()) + 1}: {hit.group()}"
        for name, text in _texts()
        for hit in FORBIDDEN[instead].finditer(text)
    ]
    assert found == [], instead


def test_helpers_are_named_by_what_they_do():
    """`_told` logged in one file, printed in the next, and returned lines in a third."""
    found = {
        f"{name}: {hit.group()}"
        for name, text in _texts()
        if name.endswith(".py")
        for hit in HELPERS.finditer(text)
    }
    assert found == set()


def test_the_glossary_says_each_word_once():
    rows = [
        line.split("|")[1].strip()
        for line in (ROOT / "docs/glossary.md").read_text().splitlines()
        if line[:1] == "|"
    ]
    assert sorted({word for word in rows if rows.count(word) > 1}) == []
