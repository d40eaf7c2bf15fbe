from typing import Annotated

from pydantic import Field

from fundline.platform.settings import DatabaseSettings, KafkaSettings


class Settings(DatabaseSettings, KafkaSettings):
    """The dead-letter keeper."""

    database_pool_size: Annotated[int, Field(ge=1, le=100)] = 2
    dead_letters_counted_every_s: Annotated[float, Field(gt=0)] = 5.0
    """How often the letters that wait for a person are counted, for the metric."""
