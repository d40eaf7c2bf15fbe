"""Reading dead letters."""

from uuid import UUID

from fundline.platform.database import Database
from fundline.platform.refusals import Kind, Refusal
from fundline.records.references import application_id_of
from fundline.services.operations_api.dead_letters import store
from fundline.services.operations_api.dead_letters.answers import (
    DeadLetterPage,
    WholeDeadLetter,
    letter_answer,
    whole_letter_answer,
)
from fundline.services.operations_api.dead_letters.schemas import DeadLetterQuery


class DeadLetterNotFound(Refusal):
    kind = Kind.NOT_FOUND
    code = "dead-letter-not-found"
    title = "There is no such dead letter"

    def __init__(self) -> None:
        super().__init__("No dead letter has this id.")


class ApplicationUnknown(Refusal):
    kind = Kind.NOT_FOUND
    code = "application-unknown"
    title = "There is no such application"

    def __init__(self) -> None:
        super().__init__("No application has this id or tracking id.")


class DeadLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, query: DeadLetterQuery) -> DeadLetterPage:
        """Newest first. Raises MistypedTrackingId, ApplicationUnknown."""
        wanted = query.application
        application_id = None if wanted is None else await application_id_of(self._database, wanted)
        if wanted is not None and application_id is None:
            raise ApplicationUnknown
        letters = await store.page_of_letters(
            self._database,
            store.Filter(query.topic, query.group, query.cause),
            state=query.state,
            application_id=application_id,
            before=query.cursor,
            limit=query.limit + 1,
        )
        return DeadLetterPage.of(
            letters, query.limit, show=letter_answer, id_of=lambda letter: letter.letter_id
        )

    async def one(self, letter_id: UUID) -> WholeDeadLetter:
        """With payload and every death. Raises DeadLetterNotFound."""
        letter = await store.find_letter(self._database, letter_id)
        if letter is None:
            raise DeadLetterNotFound
        return whole_letter_answer(letter, await store.arrivals(self._database, letter.letter_id))
