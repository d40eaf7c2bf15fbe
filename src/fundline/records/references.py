"""What people call an application: its id, or its tracking id as they have written it down."""

from uuid import UUID

from fundline.domain.tracking import TrackingIdMistyped, tracking_id_in
from fundline.platform.database import Database
from fundline.platform.identifiers import uuid_in
from fundline.platform.refusals import Kind, Refusal

APPLICATION_OF_TRACKING_ID = "select application_id from applications where tracking_id = $1"


class MistypedTrackingId(Refusal):
    kind = Kind.NOT_FOUND
    code = "tracking-id-mistyped"
    title = "The tracking id has a typing error"


def tracking_id_of(text: str) -> str | None:
    """As it is stored; None when the text is not a tracking id. Raises MistypedTrackingId."""
    try:
        return tracking_id_in(text)
    except TrackingIdMistyped as mistyped:
        raise MistypedTrackingId(str(mistyped)) from None


async def application_id_of(database: Database, text: str) -> UUID | None:
    """Of an id, whether it exists or not, or of a tracking id; None when nobody has it. Raises MistypedTrackingId."""
    found = uuid_in(text)
    if found is not None:
        return found
    tracking_id = tracking_id_of(text)
    if tracking_id is None:
        return None
    row = await database.fetchrow(APPLICATION_OF_TRACKING_ID, tracking_id)
    return None if row is None else UUID(str(row["application_id"]))
