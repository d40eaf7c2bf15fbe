from pathlib import Path
from typing import Annotated

from pydantic import Field

from fundline.platform.settings import ProcessSettings


class Settings(ProcessSettings):
    """The model service needs nothing but its models' folder."""

    model_directory: Path | None = None
    """Folder with one subfolder per model version; the models of the package when it is not set."""
    model_poll_s: Annotated[float, Field(gt=0, le=3600)] = 2.0
    """How often the models' folder is looked at for new, changed and removed versions."""
    model_batch_limit: Annotated[int, Field(ge=1, le=100_000)] = 4096
    """Most rows of one inference request; more are answered 413."""
    model_queue_limit: Annotated[int, Field(ge=1, le=10_000)] = 64
    """Requests that may wait for a thread; one more is answered 503 at once."""
    model_threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Requests computed side by side; more cores are better used by more processes."""
    model_patience_s: Annotated[float, Field(gt=0, le=60)] = 5.0
    """A request that is not answered by then is answered 503 and, if it still waits, never computed."""
