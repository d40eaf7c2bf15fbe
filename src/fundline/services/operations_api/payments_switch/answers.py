"""The switch of payments, as it is answered."""

from typing import Annotated, Literal

from pydantic import Field

from fundline.platform.shapes import Answer, Moment


class PaymentsSwitch(Answer):
    """Whether payments are sent. Those that are held wait, and nothing is lost."""

    state: Literal["on", "halted"]
    resume_asked_by: Annotated[
        str | None, Field(description="Who wants payments to go on; another has to agree.")
    ]
    resume_asked_at: Moment | None
    resume_reason: str | None
