"""One small fault, and the tests that must notice it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutation:
    """`before` stands exactly once in `file`, below `src/fundline`; `tests` are arguments for pytest."""

    name: str
    file: str
    before: str
    after: str
    tests: tuple[str, ...]


def mutation(name: str, file: str, before: str, after: str, *tests: str) -> Mutation:
    """`file` without its suffix."""
    return Mutation(name, f"{file}.py", before, after, tests)
