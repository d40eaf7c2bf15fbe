from typing import Annotated

from pydantic import Field

from fundline.platform.settings import Port, ProcessSettings


class Settings(ProcessSettings):
    smtp_host: str = "127.0.0.1"
    """Where the sink takes mails."""
    smtp_port: Port = 17240
    """The port of it."""
    mail_sink_kept: Annotated[int, Field(ge=1, le=10_000)] = 500
    """How many mails are kept, in memory; the oldest go."""
    mail_sink_largest_bytes: Annotated[int, Field(ge=1024)] = 1_000_000
    """A larger mail is refused, as a real server would."""
