"""Refusals: each is a class and a sentence. What a refusal means over HTTP is decided once, in platform/http."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    MALFORMED = "malformed"
    INVALID = "invalid"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    WRONG_MEDIA_TYPE = "wrong_media_type"
    KEY_REUSED = "key_reused"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class FieldError:
    """`path` is where the value stands in the request, such as `business.employees`."""

    path: str
    message: str


class Refusal(Exception):
    """Base of everything that we refuse. `code` is stable: clients branch on it."""

    kind: ClassVar[Kind]
    code: ClassVar[str]
    title: ClassVar[str]
    challenge: ClassVar[str | None] = None
    """The `error` of RFC 6750, section 3.1, of what is wrong with a token."""

    def __init__(
        self, sentence: str, *, errors: Sequence[FieldError] = (), retry_after_s: int | None = None
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s

    @property
    def is_decided(self) -> bool:
        """The refusal rests on how things stood: a repeated request gets the same answer, though things have changed.

        A refusal that rests on the request alone repeats by itself; one with a time to come back is not decided.
        """
        return self.kind in {Kind.NOT_FOUND, Kind.CONFLICT} and self.retry_after_s is None


class InvalidRequest(Refusal):
    kind = Kind.INVALID
    code = "invalid-request"
    title = "Some values of the request are not acceptable"


class Unavailable(Refusal):
    """Something we depend on does not answer; nothing was lost, the caller may try again."""

    kind = Kind.UNAVAILABLE
    code = "unavailable"
    title = "A part that Fundline depends on does not answer"

    def __init__(self, sentence: str, *, retry_after_s: int = 1) -> None:
        super().__init__(sentence, retry_after_s=retry_after_s)
