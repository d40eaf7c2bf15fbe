"""Reading dead letters."""

from typing import Any
from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.identifiers import uuid_in
from fundline.platform.identity import Caller, Role
from fundline.platform.refusals import Kind, Refusal
from fundline.services.operations_api import dead_letter_store as store
from fundline.services.operations_api.dead_letter_schemas import DeadLetterQuery
from fundline.services.operations_api.dead_letter_views import brief_view, full_view

READERS = (Role.OPERATOR, Role.COMPLIANCE)


class DeadLetterNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "dead-letter-not-found"
    title = "There is no such dead letter"

    def __init__(self) -> None:
        super().__init__("No dead letter has this id.")


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, caller: Caller, query: DeadLetterQuery) -> dict[str, Any]:
        """`{items, nextBefore}`, newest first; `nextBefore` is None on the last page. Raises Forbidden."""
        caller.require(*READERS)
        letters = await store.page_of_letters(
            self._database,
            store.Filter(query.topic, query.group, query.cause),
            state=query.state,
            application_id=query.application,
            before=query.before,
            limit=query.limit + 1,
        )
        items = letters[: query.limit]
        return {
            "items": [brief_view(letter) for letter in items],
            "nextBefore": str(items[-1].letter_id) if len(letters) > query.limit else None,
        }

    async def one(self, caller: Caller, text: str) -> dict[str, Any]:
        """With payload and every death. Raises Forbidden, DeadLetterNotFound."""
        caller.require(*READERS)
        letter = await store.find_letter(self._database, letter_id_of(text))
        if letter is None:
            raise DeadLetterNotFound
        return full_view(letter, await store.arrivals(self._database, letter.letter_id))


def letter_id_of(text: str) -> UUID:
    """Raises DeadLetterNotFound."""
    letter_id = uuid_in(text)
    if letter_id is None:
        raise DeadLetterNotFound
    return letter_id
