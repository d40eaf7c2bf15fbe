from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.settings import ProcessSettings


class Settings(ProcessSettings):
    bank_database: Path
    """The bank's ledger, a SQLite file; made when it is absent. One bank process per file."""
    bank_delay_ms: Annotated[int, Field(ge=0, le=60_000)] = 50
    """How long the bank works on an order after it has read it."""
    bank_max_in_process: Annotated[int, Field(ge=1, le=100_000)] = 2000
    """Orders in work at once; one more is answered 429."""
