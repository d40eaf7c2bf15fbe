"""When two subjects are the same person: four eyes compare people, not spellings."""

import unicodedata


def person_key(subject: str) -> str:
    """Equal for every spelling of one subject: compatible characters, capitals and white space make no difference.

    Source: RFC 8265 (PRECIS), profile UsernameCaseMapped; Unicode's NFKC and default caseless matching (D146).
    """
    shape = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", subject).casefold())
    return "".join(shape.split())


def same_person(one: str | None, other: str | None) -> bool:
    """Nobody is the same as no person."""
    return one is not None and other is not None and person_key(one) == person_key(other)
